// GLAD: ability of annotators, ease of items.
#include "rlhf/feedback/glad.h"

#include <cmath>

#include "feedback/run_em.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

constexpr double kPriorMean = 1;  // of α and b, with variance 1

/// The votes of every annotator, or on every item: [begin(g), end(g)) of `votes`.
struct Groups {
  std::vector<std::size_t> offsets;
  std::vector<std::size_t> votes;
};

Groups group(const std::vector<Vote>& list, std::size_t count, std::int32_t Vote::*key) {
  Groups found{std::vector<std::size_t>(count + 1), std::vector<std::size_t>(list.size())};
  for (const Vote& vote : list) ++found.offsets[vote.*key + 1];
  for (std::size_t g = 0; g < count; ++g) found.offsets[g + 1] += found.offsets[g];
  std::vector<std::size_t> next = found.offsets;
  for (std::size_t v = 0; v < list.size(); ++v) found.votes[next[list[v].*key]++] = v;
  return found;
}

/// A function of one number, with its first two derivatives.
struct Local {
  double value = 0, slope = 0, curvature = 0;
};

/// One Newton step uphill from x, halved until the value does not fall. The prior alone has curvature −1.
template <typename Objective>
double step_uphill(double x, const Objective& objective) {
  const Local here = objective(x);
  double step = here.slope / -std::min(here.curvature, -1.0);
  for (int halvings = 0; halvings < 40; ++halvings, step /= 2)
    if (objective(x + step).value >= here.value) return x + step;
  return x;
}

class GladFit {
 public:
  GladFit(const Votes& votes, const EmOptions& options)
      : votes_(votes),
        options_(options),
        of_annotator_(group(votes.list, votes.annotators, &Vote::annotator)),
        of_item_(group(votes.list, votes.items, &Vote::item)),
        right_(votes.list.size()) {
    ability_.assign(votes.annotators, kPriorMean);
    log_ease_.assign(votes.items, kPriorMean);
  }

  /// E-step; returns the objective.
  double update_labels(LabelPosterior& labels) const {
    std::fill(labels.probabilities.begin(), labels.probabilities.end(), -std::log(votes_.choices));
    for (const Vote& vote : votes_.list) {
      const double x = ability_[vote.annotator] * std::exp(log_ease_[vote.item]);
      const double right = log_sigmoid(x), wrong = log_sigmoid(-x) - std::log(votes_.choices - 1.0);
      double* row = labels.probabilities.data() + static_cast<std::size_t>(vote.item) * votes_.choices;
      for (std::int32_t c = 0; c < votes_.choices; ++c) row[c] += c == vote.choice ? right : wrong;
    }
    return normalise(labels, options_) + log_prior(ability_) + log_prior(log_ease_);
  }

  /// M-step: one sweep over abilities, then one over eases.
  void update_parameters(const LabelPosterior& labels) {
    for (std::size_t v = 0; v < right_.size(); ++v)
      right_[v] =
          labels.probabilities[static_cast<std::size_t>(votes_.list[v].item) * votes_.choices + votes_.list[v].choice];
    for (std::size_t k = 0; k < ability_.size(); ++k)
      ability_[k] = step_uphill(ability_[k], [&](double ability) { return of_ability(k, ability); });
    for (std::size_t i = 0; i < log_ease_.size(); ++i)
      log_ease_[i] = step_uphill(log_ease_[i], [&](double log_ease) { return of_log_ease(i, log_ease); });
  }

  const std::vector<double>& ability() const { return ability_; }
  std::vector<double> ease() const {
    std::vector<double> found;
    for (const double b : log_ease_) found.push_back(std::exp(b));
    return found;
  }

 private:
  static Local prior_at(double x) { return {-(x - kPriorMean) * (x - kPriorMean) / 2, kPriorMean - x, -1}; }

  static double log_prior(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += prior_at(value).value;
    return sum;
  }

  /// Adds right·ln σ(x) + (1 − right)·ln σ(−x) and its derivatives by a parameter: x' = dx, x'' = ddx.
  static void add_vote(Local& sum, double right, double x, double dx, double ddx) {
    const double p = sigmoid(x);
    sum.value += right * log_sigmoid(x) + (1 - right) * log_sigmoid(-x);
    sum.slope += (right - p) * dx;
    sum.curvature += (right - p) * ddx - p * (1 - p) * dx * dx;
  }

  Local of_ability(std::size_t annotator, double ability) const {
    Local sum = prior_at(ability);
    for (std::size_t j = of_annotator_.offsets[annotator]; j < of_annotator_.offsets[annotator + 1]; ++j) {
      const std::size_t v = of_annotator_.votes[j];
      const double ease = std::exp(log_ease_[votes_.list[v].item]);
      add_vote(sum, right_[v], ability * ease, ease, 0);
    }
    return sum;
  }

  Local of_log_ease(std::size_t item, double log_ease) const {
    Local sum = prior_at(log_ease);
    for (std::size_t j = of_item_.offsets[item]; j < of_item_.offsets[item + 1]; ++j) {
      const std::size_t v = of_item_.votes[j];
      const double x = ability_[votes_.list[v].annotator] * std::exp(log_ease);
      add_vote(sum, right_[v], x, x, x);
    }
    return sum;
  }

  const Votes& votes_;
  const EmOptions& options_;
  Groups of_annotator_, of_item_;
  std::vector<double> right_;  // P(the vote is right), [votes]
  std::vector<double> ability_, log_ease_;
};

}  // namespace

Glad fit_glad(const Votes& votes, const EmOptions& options) {
  check_em(votes, options);
  GladFit fit(votes, options);
  Glad model{start_labels(votes, options), {}, {}, {}};
  fit.update_labels(model.labels);
  model.report = run_em(model.labels, options, [&](LabelPosterior& labels) {
    fit.update_parameters(labels);
    return fit.update_labels(labels);
  });
  model.ability = fit.ability();
  model.ease = fit.ease();
  return model;
}

}  // namespace rlhf
