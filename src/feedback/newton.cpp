#include "feedback/newton.h"

#include <cmath>

namespace rlhf {
namespace {

double inner_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

std::vector<double> moved(std::vector<double> x, const std::vector<double>& step, double scale) {
  for (std::size_t j = 0; j < x.size(); ++j) x[j] += scale * step[j];
  return x;
}

}  // namespace

std::vector<double> maximum_of(const ConcaveFunction& function, std::vector<double> x) {
  constexpr int kMaxSteps = 100;
  constexpr double kDone = 1e-18, kShortest = 1e-9;
  ConcavePoint here = function(x);
  for (int count = 0; count < kMaxSteps; ++count) {
    const std::vector<double> step = solve(cholesky(here.information), here.gradient);
    if (inner_product(step, here.gradient) < kDone) break;  // squared length of the step in standard errors
    const double enough = here.value - 1e-12 * std::abs(here.value);
    double scale = 1;
    std::vector<double> next = moved(x, step, scale);
    ConcavePoint there = function(next);
    while (there.value < enough && scale > kShortest) {
      scale /= 2;
      next = moved(x, step, scale);
      there = function(next);
    }
    if (there.value < enough) break;
    x = std::move(next);
    here = std::move(there);
  }
  return x;
}

}  // namespace rlhf
