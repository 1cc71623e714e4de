// Dawid and Skene's model: a confusion matrix per annotator.
#include "rlhf/feedback/dawid_skene.h"

#include <cmath>

#include "feedback/class_shares.h"
#include "feedback/vote_tables.h"

namespace rlhf {
namespace {

/// The M-step for the confusion matrices: expected counts plus pseudo-votes, each row normalised.
std::vector<double> fit_confusion(const Votes& votes, const LabelPosterior& labels, const PseudoVotes& prior) {
  const std::size_t choices = votes.choices;
  std::vector<double> found(votes.annotators * choices * choices);
  for (const Vote& vote : votes.list)
    for (std::size_t c = 0; c < choices; ++c)
      found[(vote.annotator * choices + c) * choices + vote.choice] += labels.probabilities[vote.item * choices + c];
  for (std::size_t row = 0; row < votes.annotators * choices; ++row) {
    double sum = 0;
    for (std::size_t l = 0; l < choices; ++l) {
      double& count = found[row * choices + l];
      count += l == row % choices ? prior.right : prior.wrong / static_cast<double>(choices - 1);
      sum += count = std::max(count, kLeastCount);
    }
    for (std::size_t l = 0; l < choices; ++l) found[row * choices + l] /= sum;
  }
  return found;
}

double log_prior(const VoteTables& log_tables, std::size_t choices, const PseudoVotes& prior) {
  double sum = 0;
  for (std::size_t j = 0; j < log_tables.size(); ++j) {
    const bool right = j % choices == j / choices % choices;
    sum += log_tables[j] * (right ? prior.right : prior.wrong / static_cast<double>(choices - 1));
  }
  return sum;
}

}  // namespace

DawidSkene fit_dawid_skene(const Votes& votes, const PseudoVotes& prior, const EmOptions& options) {
  check_em(votes, options);
  check_pseudo_votes(prior);
  DawidSkene model{start_labels(votes, options), {}, {}, {}};
  model.report = run_em(model.labels, options, [&](LabelPosterior& labels) {
    model.class_shares = fit_class_shares(labels);
    model.confusion = fit_confusion(votes, labels, prior);
    const VoteTables log_tables = logs(model.confusion);
    const double likelihood = label_posterior(votes, logs(model.class_shares), log_tables, options, labels);
    return likelihood + log_prior(log_tables, votes.choices, prior);
  });
  return model;
}

}  // namespace rlhf
