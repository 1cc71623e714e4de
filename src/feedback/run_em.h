#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/em.h"
#include "rlhf/feedback/labels.h"

namespace rlhf {

inline void check_em(const Votes& votes, const EmOptions& options) {
  check_votes(votes);
  check_argument(options.max_iterations >= 1, "max_iterations", "at least 1", options.max_iterations);
  check_argument(options.tolerance >= 0, "tolerance", "at least 0", options.tolerance);
  if (options.gold.empty()) return;
  check_argument(options.gold.size() == static_cast<std::size_t>(votes.items), "gold", "one entry per item",
                 options.gold.size());
  for (const std::int32_t choice : options.gold)
    check_argument(choice == kNoChoice || (choice >= 0 && choice < votes.choices), "gold", "a choice or kNoChoice",
                   choice);
}

/// The true choice of an item if it is known, else kNoChoice.
inline std::int32_t gold_of(const EmOptions& options, std::size_t item) {
  return options.gold.empty() ? kNoChoice : options.gold[item];
}

/// Turns log-joints ln P(truth c, votes on i) [items, choices] into the posterior, 1 for a gold choice. Returns the
/// log-likelihood: Σ_i ln Σ_c, or the log-joint of the gold choice.
inline double normalise(LabelPosterior& labels, const EmOptions& options) {
  const std::size_t choices = labels.choices;
  double likelihood = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(labels.items); ++i) {
    double* row = labels.probabilities.data() + i * choices;
    const std::int32_t gold = gold_of(options, i);
    const double top = gold == kNoChoice ? *std::max_element(row, row + choices) : row[gold];
    double sum = 0;
    for (std::size_t c = 0; c < choices; ++c) {
      const bool possible = gold == kNoChoice || static_cast<std::size_t>(gold) == c;
      sum += row[c] = possible ? std::exp(row[c] - top) : 0;
    }
    for (std::size_t c = 0; c < choices; ++c) row[c] /= sum;
    likelihood += top + std::log(sum);
  }
  return likelihood;
}

/// Where EM starts: the shares of votes; with gold 1/K on all other items, so that gold decides who is right.
inline LabelPosterior start_labels(const Votes& votes, const EmOptions& options) {
  LabelPosterior labels = majority_vote(votes);
  for (std::size_t i = 0; i < options.gold.size(); ++i) {
    double* row = labels.probabilities.data() + i * labels.choices;
    const bool known = options.gold[i] != kNoChoice;
    std::fill(row, row + labels.choices, known ? 0 : 1.0 / labels.choices);
    if (known) row[options.gold[i]] = 1;
  }
  return labels;
}

inline double largest_change(const LabelPosterior& a, const LabelPosterior& b) {
  double largest = 0;
  for (std::size_t j = 0; j < a.probabilities.size(); ++j)
    largest = std::max(largest, std::abs(a.probabilities[j] - b.probabilities[j]));
  return largest;
}

/// The loop of EM: `update(labels)` fits the parameters to `labels`, replaces `labels` by their posterior, and returns
/// the objective.
template <typename Update>
EmReport run_em(LabelPosterior& labels, const EmOptions& options, const Update& update) {
  EmReport report;
  while (!report.converged && report.iterations < options.max_iterations) {
    const LabelPosterior before = labels;
    report.objective = update(labels);
    ++report.iterations;
    report.converged = largest_change(before, labels) <= options.tolerance;
  }
  return report;
}

}  // namespace rlhf
