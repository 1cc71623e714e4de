// The fit of a reward against the square root of the KL.
#include "rlhf/feedback/over_optimisation.h"

#include <cmath>
#include <initializer_list>

#include "check_finite.h"

namespace rlhf {
namespace {

constexpr double kLeastKl = 0.01;  // below, the reward differs from the initial one by noise only

}  // namespace

std::optional<double> OverOptimisation::peak_kl() const {
  const double peak = std::exp(2 * (alpha / beta - 1));
  return beta > 0 && std::isfinite(peak) ? std::optional(peak) : std::nullopt;
}

std::optional<OverOptimisation> fit_over_optimisation(const std::vector<RewardAtKl>& points, double initial) {
  check_finite(std::initializer_list<double>{initial}, "initial");
  double xx = 0, xz = 0, zz = 0, xy = 0, zy = 0;  // sums of products of x = d, z = −d·ln d and y = R − R(0)
  int used = 0;
  for (const auto& [kl, reward] : points) {
    check_finite(std::initializer_list<double>{kl}, "kl");
    check_finite(std::initializer_list<double>{reward}, "reward");
    if (kl < kLeastKl) continue;
    const double x = std::sqrt(kl), z = -x * std::log(x), y = reward - initial;
    xx += x * x;
    xz += x * z;
    zz += z * z;
    xy += x * y;
    zy += z * y;
    ++used;
  }
  const double determinant = xx * zz - xz * xz;
  if (used < 3 || determinant <= 1e-12 * xx * zz) return std::nullopt;
  return OverOptimisation{(xy * zz - zy * xz) / determinant, (zy * xx - xy * xz) / determinant};
}

}  // namespace rlhf
