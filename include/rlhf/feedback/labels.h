#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/feedback/votes.h"

namespace rlhf {

/// P(c is the true choice of item i), from whatever aggregation. Rows add up to 1.
struct LabelPosterior {
  std::int32_t items = 0;
  std::int32_t choices = 0;
  std::vector<double> probabilities;  ///< [items, choices], row-major
};

/// The share of votes for each choice, 1/K on an item without votes. Errors: ArgumentError.
LabelPosterior majority_vote(const Votes& votes);

/// No choice: of a most likely choice that is not unique, of an item whose truth is not known.
inline constexpr std::int32_t kNoChoice = -1;
/// The choice with the largest probability, [items]; kNoChoice where several have it. Errors: ArgumentError.
std::vector<std::int32_t> most_likely(const LabelPosterior& labels);

/// How many of `trials` votes had a property. Expected counts need not be whole.
struct Tally {
  double successes = 0;
  double trials = 0;
};
/// Per annotator [annotators]: the expected number of votes for the true choice, Σ_i P(choice of the vote on i | i), of
/// the number of votes. Errors: ArgumentError.
std::vector<Tally> expected_right(const Votes& votes, const LabelPosterior& labels);

/// The votes that remain if on items where a suspected bias is in play (its covariate differs between the completions)
/// only trusted annotators count. `in_play` [items], `trusted` [annotators]. Errors: ArgumentError, also if no vote
/// remains.
Votes drop_in_play(const Votes& votes, const std::vector<bool>& in_play, const std::vector<bool>& trusted);

}  // namespace rlhf
