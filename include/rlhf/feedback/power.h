#pragma once

#include <cstdint>
#include <optional>

#include "rlhf/feedback/interval.h"

namespace rlhf {

// How much judging a plan needs, before anybody is asked. Accuracy is the probability that a vote is right; votes are
// independent. The counts are the smallest that reach the goal; as counts are whole, some larger ones can miss it by a
// little. Errors: ArgumentError for a probability outside its range.

/// No plan asks for more: then there is no answer.
inline constexpr std::int32_t kMostVotes = 5000;

/// P(X >= least) for X ~ Binomial(trials, p).
double binomial_at_least(std::int32_t trials, std::int32_t least, double p);

/// A test of annotators by gold items: whoever has at least `pass` of `items` right passes.
struct GoldTest {
  std::int32_t items = 0;
  std::int32_t pass = 0;
  double bad_pass = 0;   ///< probability that the bad annotator passes
  double good_pass = 0;  ///< probability that the good one does
};

/// The gold items that tell an annotator of accuracy `good` from one of accuracy `bad`: bad ones pass with at most
/// probability `error`, good ones with at least `power` (exact one-sided binomial test). nullopt: more than kMostVotes.
std::optional<GoldTest> gold_items_to_tell(double bad, double good, double error = 0.05, double power = 0.8);

/// The gold items after which Wilson's interval for an accuracy is at most `width` wide if the share of right answers
/// is just that accuracy. nullopt: more than kMostVotes.
std::optional<std::int32_t> gold_items_for_width(double accuracy, double width, double level = 0.95);

/// The share of labels that are wrong if a label is the majority of `votes` votes, and a tie is decided by a coin.
double majority_error(double accuracy, std::int32_t votes);

/// The odd number of votes per pair for which majority_error is at most `error`. nullopt: more than kMostVotes, as for
/// an accuracy of ½ or less.
std::optional<std::int32_t> votes_for_error(double accuracy, double error);

/// The share of pairs that experts must label, in place of the crowd, for the share of wrong labels to fall from
/// `crowd_error` to `error`: (crowd_error − error) / (crowd_error − expert_error), if the pairs are chosen by chance.
/// nullopt if the experts are not good enough.
std::optional<double> expert_share_for_error(double crowd_error, double expert_error, double error);

}  // namespace rlhf
