// Many small regressions that share a normal distribution of their coefficients.
#include "feedback/hierarchical_logit.h"

#include <algorithm>
#include <cmath>

namespace rlhf {
namespace {

constexpr double kStartVariance = 1;

void add_log_prior(ConcavePoint& sum, const std::vector<double>& theta, const IndependentNormal& prior) {
  for (std::size_t j = 0; j < theta.size(); ++j) {
    const double off = theta[j] - prior.mean[j];
    sum.value -= off * off / (2 * prior.variance[j]);
    sum.gradient[j] -= off / prior.variance[j];
    sum.information.at(j, j) += 1 / prior.variance[j];
  }
}

/// What the round knows about each group: the mode, and S, the inverse of the information there.
struct Modes {
  GroupThetas theta;
  std::vector<SymmetricMatrix> covariance;
};

Modes find_modes(const std::vector<GroupAnswers>& groups, GroupThetas start, const IndependentNormal& prior) {
  Modes found;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto posterior = [&](const std::vector<double>& theta) { return log_posterior(groups[g], theta, prior); };
    found.theta.push_back(maximum_of(posterior, std::move(start[g])));
    found.covariance.push_back(inverse(posterior(found.theta[g]).information));
  }
  return found;
}

/// The information about μ with the θ_g integrated out: diag 1/s² + Σ_g (T − T·S_g·T), T = diag 1/τ².
SymmetricMatrix mean_information(const Modes& modes, const IndependentNormal& prior,
                                 const IndependentNormal& mean_prior) {
  SymmetricMatrix sum(prior.mean.size());
  for (std::size_t i = 0; i < sum.size; ++i) sum.at(i, i) = 1 / mean_prior.variance[i];
  for (const SymmetricMatrix& covariance : modes.covariance)
    for (std::size_t i = 0; i < sum.size; ++i) {
      sum.at(i, i) += 1 / prior.variance[i];
      for (std::size_t j = 0; j < sum.size; ++j)
        sum.at(i, j) -= covariance.at(i, j) / (prior.variance[i] * prior.variance[j]);
    }
  return sum;
}

std::vector<double> mean_step(const Modes& modes, const IndependentNormal& prior, const IndependentNormal& mean_prior,
                              const SymmetricMatrix& information) {
  std::vector<double> gradient(prior.mean.size());
  for (std::size_t j = 0; j < gradient.size(); ++j) {
    gradient[j] = (mean_prior.mean[j] - prior.mean[j]) / mean_prior.variance[j];
    for (const auto& theta : modes.theta) gradient[j] += (theta[j] - prior.mean[j]) / prior.variance[j];
  }
  return solve(cholesky(information), std::move(gradient));
}

/// S + A·V·Aᵀ, V the covariance of μ. With A = S·T, by which θ_g follows μ, it is the covariance of θ_g; with
/// A = S·T − 1 that of θ_g − μ.
SymmetricMatrix with_error_of_mean(const SymmetricMatrix& s, const SymmetricMatrix& mean_covariance,
                                   const std::vector<double>& variance, double diagonal) {
  SymmetricMatrix follows = s;
  for (std::size_t i = 0; i < s.size; ++i)
    for (std::size_t j = 0; j < s.size; ++j) follows.at(i, j) = s.at(i, j) / variance[j] - (i == j ? diagonal : 0);
  SymmetricMatrix found = sandwich(follows, mean_covariance);
  for (std::size_t i = 0; i < s.values.size(); ++i) found.values[i] += s.values[i];
  return found;
}

/// One step for each τ²: Σ_g (E(θ_g − μ)² − τ²) over Σ_g w_g, w_g = 1 − S_g/τ² the share of the variance that the
/// group's answers have explained. With 1 for w_g it is a step of EM, which is slow; with w_g² one of Fisher scoring,
/// which swings. No step changes τ² by more than a factor of 4.
std::vector<double> next_variance(const Modes& modes, const IndependentNormal& prior,
                                  const SymmetricMatrix& mean_covariance) {
  const std::size_t width = prior.mean.size();
  std::vector<double> excess(width), shares(width, 1), found(width);
  for (std::size_t j = 0; j < width; ++j) excess[j] = kStartVariance - prior.variance[j];
  for (std::size_t g = 0; g < modes.theta.size(); ++g) {
    const SymmetricMatrix spread = with_error_of_mean(modes.covariance[g], mean_covariance, prior.variance, 1);
    for (std::size_t j = 0; j < width; ++j) {
      const double off = modes.theta[g][j] - prior.mean[j];
      excess[j] += off * off + spread.at(j, j) - prior.variance[j];
      shares[j] += 1 - modes.covariance[g].at(j, j) / prior.variance[j];
    }
  }
  for (std::size_t j = 0; j < width; ++j)
    found[j] = std::clamp(prior.variance[j] + excess[j] / shares[j], prior.variance[j] / 4, prior.variance[j] * 4);
  return found;
}

double largest_change(const IndependentNormal& a, const IndependentNormal& b) {
  double largest = 0;
  for (std::size_t j = 0; j < a.mean.size(); ++j) {
    largest = std::max(largest, std::abs(a.mean[j] - b.mean[j]));
    largest = std::max(largest, std::abs(std::sqrt(a.variance[j]) - std::sqrt(b.variance[j])));
  }
  return largest;
}

}  // namespace

double predictor(const GroupAnswers& answers, std::size_t answer, const std::vector<double>& theta) {
  double sum = 0;
  for (std::size_t j = 0; j < theta.size(); ++j) sum += answers.rows[answer * theta.size() + j] * theta[j];
  return sum;
}

ConcavePoint log_posterior(const GroupAnswers& answers, const std::vector<double>& theta,
                           const IndependentNormal& prior) {
  const std::size_t width = theta.size();
  ConcavePoint sum{0, std::vector<double>(width), SymmetricMatrix(width)};
  for (std::size_t a = 0; a < answers.ranges.size(); ++a) {
    const double* row = answers.rows.data() + a * width;
    const double s = predictor(answers, a, theta);
    sum.value += log_probability(answers.ranges[a], s);
    const double slope = score(answers.ranges[a], s), curvature = information(answers.ranges[a], s);
    for (std::size_t i = 0; i < width; ++i) {
      sum.gradient[i] += slope * row[i];
      if (row[i] == 0) continue;
      for (std::size_t j = 0; j < width; ++j) sum.information.at(i, j) += curvature * row[i] * row[j];
    }
  }
  add_log_prior(sum, theta, prior);
  return sum;
}

HierarchicalFit fit_hierarchical(std::vector<GroupAnswers> groups, const HierarchicalOptions& options) {
  const std::size_t width = options.mean_prior.mean.size();
  IndependentNormal prior{options.mean_prior.mean, std::vector<double>(width, kStartVariance)};
  Modes modes{GroupThetas(groups.size(), prior.mean), {}};
  HierarchicalFit fit;
  for (;;) {
    ++fit.rounds;
    modes = find_modes(groups, std::move(modes.theta), prior);
    const SymmetricMatrix information = mean_information(modes, prior, options.mean_prior);
    fit.mean_covariance = inverse(information);
    if (fit.converged || fit.rounds >= options.max_rounds) break;
    IndependentNormal next = prior;
    const std::vector<double> step = mean_step(modes, prior, options.mean_prior, information);
    for (std::size_t j = 0; j < width; ++j) next.mean[j] += step[j];
    next.variance = next_variance(modes, prior, fit.mean_covariance);
    const double moved = options.fit_ranges(modes.theta, groups);
    fit.converged = std::max(moved, largest_change(prior, next)) <= options.tolerance;
    prior = std::move(next);
  }
  for (const SymmetricMatrix& s : modes.covariance)
    fit.covariance.push_back(with_error_of_mean(s, fit.mean_covariance, prior.variance, 0));
  fit.theta = std::move(modes.theta);
  fit.mean = std::move(prior.mean);
  fit.variance = std::move(prior.variance);
  return fit;
}

}  // namespace rlhf
