#pragma once

#include <cmath>

namespace rlhf {

/// σ(x) = 1 / (1 + e^−x), without overflow.
inline double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

/// ln σ(x), without overflow.
inline double log_sigmoid(double x) { return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x)); }

}  // namespace rlhf
