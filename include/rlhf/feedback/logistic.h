#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/feedback/interval.h"

namespace rlhf {

/// Rows of named numbers.
struct FeatureTable {
  std::vector<std::string> names;  ///< [P], at least 1
  std::vector<double> values;      ///< [N, P], row-major
};

struct LogisticData {
  FeatureTable features;
  std::vector<double> targets;         ///< [N], 0 to 1: the choice, or its share
  std::vector<double> weights;         ///< [N], at least 0; a weight of 2 counts as two rows. Empty: 1 each
  std::vector<std::int32_t> clusters;  ///< [N], for example the annotator of each row. Empty: rows are independent
};

struct LogisticOptions {
  double ridge = 0;  ///< λ
  double level = 0.95;
};

struct Coefficient {
  std::string name;
  double estimate = 0;
  double standard_error = 0;
  Interval interval;  ///< estimate ± z·standard_error
};

struct LogisticFit {
  std::vector<Coefficient> coefficients;  ///< [P + 1]: the features, then "intercept"
  double log_likelihood = 0;              ///< Σ w·(y·ln p + (1 − y)·ln(1 − p)), without the penalty
  int iterations = 0;
};

/// Logistic regression, P(y = 1) = σ(b + x·β), by Newton's method (iteratively reweighted least squares):
///   maximises Σ_n w_n·(y_n·ln p_n + (1 − y_n)·ln(1 − p_n)) − λ/2·Σ_j β_j²;  the intercept b is not penalised
///   covariance H⁻¹, H = XᵀWX + λ, W = w·p·(1 − p); with clusters H⁻¹·(Σ_g s_g·s_gᵀ)·H⁻¹ · G/(G−1) · (N−1)/(N−P−1),
///   s_g the sum of the scores w·(y − p)·x of the rows of cluster g, G clusters
/// What annotators pay for: y whether the first completion was chosen, x the difference of its features and the
/// other's; the intercept is then the pull of the first position.
/// McCullagh and Nelder, "Generalized linear models" (1989), ch. 4; Liang and Zeger (1986) for clusters. Checked
/// against statsmodels (GLM) and, for the ridge, scikit-learn.
/// Errors: ArgumentError for sizes, ranges and numbers that are not finite, features that are constant or a combination
/// of others, fewer than two clusters; NumericsError where an estimate has no bound: all targets are 0, all are 1, or,
/// with λ = 0, features separate the targets.
LogisticFit fit_logistic(const LogisticData& data, const LogisticOptions& options = {});

}  // namespace rlhf
