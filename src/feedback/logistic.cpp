// Newton's method for logistic regression, and the errors of its estimates.
#include "rlhf/feedback/logistic.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rlhf/core/check_argument.h"

#include "feedback/logistic_model.h"

namespace rlhf {
namespace {

// A step changes predictors by about 1 at most when an estimate has no bound, and by ever less when it has: a hundred
// steps tell the two apart.
constexpr int kMaxIterations = 100;
constexpr double kConverged = 1e-8;  // the largest change of a predictor

std::string name_of(const LogisticData& data, std::size_t column) {
  return column < data.features.names.size() ? data.features.names[column] : "intercept";
}

/// Of the coefficients the one that moves predictors most: the feature that grows without bound.
[[noreturn]] void throw_separated(const LogisticData& data, const std::vector<double>& coefficients) {
  const std::size_t columns = data.features.names.size();
  std::vector<double> reach(columns);
  for (std::size_t j = 0; j < data.features.values.size(); ++j)
    reach[j % columns] = std::max(reach[j % columns], std::abs(data.features.values[j] * coefficients[j % columns]));
  const std::size_t largest = std::max_element(reach.begin(), reach.end()) - reach.begin();
  throw NumericsError("targets: expected both outcomes at similar features, found that " + name_of(data, largest) +
                      " predicts some perfectly, so that its estimate has no bound; hint: ridge > 0, or leave it out");
}

/// The intercept has no bound if every row has the same outcome, with a ridge or without.
void check_outcomes(const LogisticData& data) {
  double chosen = 0, other = 0;
  for (std::size_t n = 0; n < data.targets.size(); ++n) {
    const double weight = data.weights.empty() ? 1 : data.weights[n];
    chosen += weight * data.targets[n];
    other += weight * (1 - data.targets[n]);
  }
  if (chosen == 0 || other == 0) throw NumericsError("targets: expected both outcomes, found one only");
}

void check_rank(const LogisticData& data, const SymmetricMatrix& information) {
  const std::size_t column = first_dependent_row(information);
  check_argument(column > data.features.names.size(), "features", "features that vary and are no combination of others",
                 column < data.features.names.size() ? data.features.names[column] : "a combination that is constant");
}

/// coefficients + step, the step halved until the objective does not fall.
std::vector<double> step_uphill(const LogisticModel& model, const std::vector<double>& from,
                                const std::vector<double>& step) {
  const auto objective = [&](const std::vector<double>& at) { return model.log_likelihood(at) - model.penalty(at); };
  const double here = objective(from), slack = 1e-12 * std::abs(here);
  std::vector<double> to = from;
  for (double size = 1; size > 1e-6; size /= 2) {
    for (std::size_t j = 0; j < to.size(); ++j) to[j] = from[j] + size * step[j];
    if (objective(to) >= here - slack) return to;
  }
  return from;
}

SymmetricMatrix covariance_of(const LogisticModel& model, const LogisticData& data,
                              const std::vector<double>& coefficients) {
  const SymmetricMatrix independent = inverse(model.information(coefficients));
  return data.clusters.empty() ? independent : sandwich(independent, model.cluster_scores(coefficients));
}

}  // namespace

LogisticFit fit_logistic(const LogisticData& data, const LogisticOptions& options) {
  check_argument(options.ridge >= 0 && std::isfinite(options.ridge), "ridge", "at least 0", options.ridge);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
  const LogisticModel model(data, options.ridge);
  check_outcomes(data);
  std::vector<double> coefficients(model.columns());
  LogisticFit fit;
  for (bool converged = false; !converged; ++fit.iterations) {
    const SymmetricMatrix information = model.information(coefficients);
    if (fit.iterations == 0) check_rank(data, information);
    if (fit.iterations == kMaxIterations || first_dependent_row(information) < model.columns())
      throw_separated(data, coefficients);
    const std::vector<double> step = solve(cholesky(information), model.gradient(coefficients));
    coefficients = step_uphill(model, coefficients, step);
    converged = model.largest_predictor(step) <= kConverged;
  }
  fit.log_likelihood = model.log_likelihood(coefficients);
  const SymmetricMatrix covariance = covariance_of(model, data, coefficients);
  const double z = normal_quantile((1 + options.level) / 2);
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    const double error = std::sqrt(covariance.at(j, j));
    const Interval interval{coefficients[j] - z * error, coefficients[j] + z * error};
    fit.coefficients.push_back({name_of(data, j), coefficients[j], error, interval});
  }
  return fit;
}

}  // namespace rlhf
