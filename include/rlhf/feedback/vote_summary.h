#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rlhf/feedback/labels.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

/// What is known about votes beside the choice. An empty list: nothing is known.
struct VoteDetails {
  std::int32_t tie = kNoChoice;           ///< the choice that means a tie, if there is one
  std::vector<std::int32_t> gold;         ///< [items], the true choice, kNoChoice where unknown
  std::vector<std::int32_t> shown_first;  ///< [votes], the choice shown first (on the left), kNoChoice where unknown
  std::vector<double> seconds;            ///< [votes], at least 0, NaN where unknown
};

/// What a group of votes is like. wilson_interval(tally.successes, tally.trials) gives the intervals.
struct VoteSummary {
  std::int64_t votes = 0;
  std::int64_t ties = 0;
  Tally agreement;  ///< trials: votes on items that others voted on; successes: Σ of the share of the others who agree
  Tally gold;       ///< trials: votes on gold items; successes: votes for the true choice
  Tally first;      ///< trials: votes other than ties whose order is known; successes: for what was shown first
  std::optional<double> median_seconds;  ///< the mean of the middle two for an even number
};

/// One summary per group [groups]; `group_of_vote` [votes] is the annotator, domain or role of each vote, say, from 0
/// to groups − 1. Others are all annotators but the one who voted, of any group. An unbiased annotator votes for what
/// was shown first half of the time, if the order is random. Errors: ArgumentError.
std::vector<VoteSummary> summarise_votes(const Votes& votes, const VoteDetails& details,
                                         const std::vector<std::int32_t>& group_of_vote, std::int32_t groups);

/// Per annotator [annotators], where someone voted several times on an item: of these pairs of votes, how many are for
/// the same choice. Errors: ArgumentError.
std::vector<Tally> self_agreement(const Votes& votes);

struct ContestedOptions {
  double reliability = 0.7;   ///< of an annotator whose votes count
  int votes = 3;              ///< at least so many of these on the item
  double probability = 0.65;  ///< of the most likely choice, at most
};

/// Items that reliable annotators split on: likely a question of taste or an unclear task, not an error of someone.
/// `reliability` [annotators], for example OneCoin::accuracy. Errors: ArgumentError.
std::vector<std::int32_t> contested_items(const Votes& votes, const LabelPosterior& labels,
                                          const std::vector<double>& reliability, const ContestedOptions& options = {});

}  // namespace rlhf
