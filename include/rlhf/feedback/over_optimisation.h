#pragma once

#include <optional>
#include <vector>

namespace rlhf {

/// A policy in the course of training: its KL to the initial policy in nats, and its reward by a judge that it is not
/// trained on.
struct RewardAtKl {
  double kl = 0, reward = 0;
};

/// R(d) − R(0) = d·(α − β·ln d), d = √KL: how the true reward of a policy that is trained on a reward model rises and
/// falls. Source: Gao, Schulman and Hilton, "Scaling laws for reward model overoptimization" (arXiv:2210.10760), the
/// form for reinforcement learning.
struct OverOptimisation {
  double alpha = 0, beta = 0;
  /// Where R is highest, at d = exp(α/β − 1), as a KL in nats; nullopt if R has no maximum (β ≤ 0), or
  /// one beyond all numbers.
  std::optional<double> peak_kl() const;
};

/// The least squares of α and β on `points`, with R(0) = `initial`. Points with a KL below 0.01 say nothing and are
/// left out. nullopt unless at least three are left, of which two have different KLs. Errors: ArgumentError for a
/// number that is not finite.
std::optional<OverOptimisation> fit_over_optimisation(const std::vector<RewardAtKl>& points, double initial);

}  // namespace rlhf
