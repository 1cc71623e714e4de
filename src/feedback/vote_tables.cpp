// The probabilities of labels, given a table of probabilities of votes per annotator.
#include "feedback/vote_tables.h"

namespace rlhf {

double label_posterior(const Votes& votes, const std::vector<double>& log_shares, const VoteTables& log_tables,
                       const EmOptions& options, LabelPosterior& labels) {
  const std::size_t choices = votes.choices;
  for (std::size_t i = 0; i < static_cast<std::size_t>(votes.items); ++i)
    std::copy(log_shares.begin(), log_shares.end(), labels.probabilities.begin() + i * choices);
  for (const Vote& vote : votes.list) {
    const double* table = log_tables.data() + vote.annotator * choices * choices + vote.choice;
    double* row = labels.probabilities.data() + vote.item * choices;
    for (std::size_t c = 0; c < choices; ++c) row[c] += table[c * choices];
  }
  return normalise(labels, options);
}

}  // namespace rlhf
