// The one-coin model: an accuracy per annotator.
#include <cmath>

#include "rlhf/feedback/dawid_skene.h"

#include "feedback/class_shares.h"
#include "feedback/vote_tables.h"

namespace rlhf {
namespace {

std::vector<double> fit_accuracy(const Votes& votes, const LabelPosterior& labels, const PseudoVotes& prior) {
  std::vector<double> found;
  for (const Tally& tally : expected_right(votes, labels)) {
    const double right = std::max(tally.successes + prior.right, kLeastCount);
    const double wrong = std::max(tally.trials - tally.successes + prior.wrong, kLeastCount);
    found.push_back(right / (right + wrong));
  }
  return found;
}

VoteTables log_tables_of(const std::vector<double>& accuracy, std::size_t choices) {
  VoteTables tables;
  for (const double right : accuracy)
    for (std::size_t c = 0; c < choices; ++c)
      for (std::size_t l = 0; l < choices; ++l)
        tables.push_back(std::log(c == l ? right : (1 - right) / static_cast<double>(choices - 1)));
  return tables;
}

double log_prior(const std::vector<double>& accuracy, const PseudoVotes& prior) {
  double sum = 0;
  for (const double right : accuracy) sum += prior.right * std::log(right) + prior.wrong * std::log1p(-right);
  return sum;
}

/// From the information about each accuracy: the squared scores of the annotator's votes, and the prior's curvature. A
/// label that is not certain has a smaller score, and so makes the error larger.
std::vector<double> standard_errors(const Votes& votes, const OneCoin& model, const PseudoVotes& prior) {
  std::vector<double> information;
  for (const double right : model.accuracy)
    information.push_back(prior.right / (right * right) + prior.wrong / ((1 - right) * (1 - right)));
  for (const Vote& vote : votes.list) {
    const double right = model.accuracy[vote.annotator];
    const double q = model.labels.probabilities[static_cast<std::size_t>(vote.item) * votes.choices + vote.choice];
    const double score = (q - right) / (right * (1 - right));
    information[vote.annotator] += score * score;
  }
  for (double& value : information) value = 1 / std::sqrt(value);
  return information;
}

}  // namespace

OneCoin fit_one_coin(const Votes& votes, const PseudoVotes& prior, const EmOptions& options) {
  check_em(votes, options);
  check_pseudo_votes(prior);
  OneCoin model{start_labels(votes, options), {}, {}, {}, {}};
  model.report = run_em(model.labels, options, [&](LabelPosterior& labels) {
    model.class_shares = fit_class_shares(labels);
    model.accuracy = fit_accuracy(votes, labels, prior);
    const VoteTables tables = log_tables_of(model.accuracy, votes.choices);
    const double likelihood = label_posterior(votes, logs(model.class_shares), tables, options, labels);
    return likelihood + log_prior(model.accuracy, prior);
  });
  model.standard_errors = standard_errors(votes, model, prior);
  return model;
}

}  // namespace rlhf
