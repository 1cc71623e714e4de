#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "feedback/cumulative_logit.h"
#include "feedback/newton.h"
#include "feedback/symmetric_matrix.h"

namespace rlhf {

/// The answers of one group (an annotator) to rows of covariates: answer i has the predictor s = rows_i·θ.
struct GroupAnswers {
  std::vector<double> rows;         ///< [answers, width], row-major
  std::vector<AnswerRange> ranges;  ///< [answers]
};

/// s of an answer.
double predictor(const GroupAnswers& answers, std::size_t answer, const std::vector<double>& theta);

/// A normal distribution with independent coordinates, [width] each.
struct IndependentNormal {
  std::vector<double> mean;
  std::vector<double> variance;
};

/// ln P(answers | θ) + ln P(θ) but for a constant.
ConcavePoint log_posterior(const GroupAnswers& answers, const std::vector<double>& theta,
                           const IndependentNormal& prior);

using GroupThetas = std::vector<std::vector<double>>;  ///< [groups][width]

struct HierarchicalOptions {
  IndependentNormal mean_prior;  ///< of μ
  int max_rounds = 0;
  double tolerance = 0;
  /// Fits the ranges of the answers to θ, and returns by how much the largest change moved a bound.
  std::function<double(const GroupThetas& theta, std::vector<GroupAnswers>& groups)> fit_ranges;
};

/// θ_g ~ N(μ, diag τ²) for each group g.
struct HierarchicalFit {
  GroupThetas theta;
  std::vector<SymmetricMatrix> covariance;  ///< [groups], of θ_g, with the error of μ in it
  std::vector<double> mean;                 ///< μ
  SymmetricMatrix mean_covariance;          ///< of μ
  std::vector<double> variance;             ///< τ²
  int rounds = 0;
  bool converged = false;
};

/// Rounds of θ_g where log_posterior is largest, then the ranges, then μ by a step of Newton's method on its posterior
/// with the θ_g integrated out (Laplace), then τ² by a step to where it is what the θ_g say. τ begins at 1, which
/// counts as one more group and keeps τ from 0. The covariance of θ_g is that of its posterior at μ, plus what the
/// error of μ adds: Kass and Steffey, "Approximate Bayesian inference in conditionally independent hierarchical models"
/// (1989). The errors of τ and of the ranges are left out.
HierarchicalFit fit_hierarchical(std::vector<GroupAnswers> groups, const HierarchicalOptions& options);

}  // namespace rlhf
