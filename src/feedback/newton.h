#pragma once

#include <functional>
#include <vector>

#include "feedback/symmetric_matrix.h"

namespace rlhf {

/// A concave function at a point. Outside its domain its value is −∞, and the rest is not used.
struct ConcavePoint {
  double value = 0;
  std::vector<double> gradient;
  SymmetricMatrix information;  ///< minus the Hessian, positive definite
};
using ConcaveFunction = std::function<ConcavePoint(const std::vector<double>&)>;

/// Where the function is largest, by Newton's method from `start`; a step that does not go up is halved.
std::vector<double> maximum_of(const ConcaveFunction& function, std::vector<double> start);

}  // namespace rlhf
