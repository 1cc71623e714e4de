// Labels of items: majority of votes, the most likely choice, votes that are expected to be right.
#include "rlhf/feedback/labels.h"

#include <algorithm>

#include "rlhf/core/check_argument.h"

#include "feedback/check_sizes.h"

namespace rlhf {

LabelPosterior majority_vote(const Votes& votes) {
  check_votes(votes);
  const std::size_t choices = votes.choices;
  LabelPosterior found{votes.items, votes.choices, std::vector<double>(votes.items * choices)};
  std::vector<double> totals(votes.items);
  for (const Vote& vote : votes.list) {
    ++found.probabilities[vote.item * choices + vote.choice];
    ++totals[vote.item];
  }
  for (std::size_t i = 0; i < totals.size(); ++i)
    for (std::size_t c = 0; c < choices; ++c) {
      double& share = found.probabilities[i * choices + c];
      share = totals[i] > 0 ? share / totals[i] : 1.0 / votes.choices;
    }
  return found;
}

std::vector<std::int32_t> most_likely(const LabelPosterior& labels) {
  check_labels(labels);
  std::vector<std::int32_t> found;
  found.reserve(labels.items);
  for (std::int32_t i = 0; i < labels.items; ++i) {
    const auto begin = labels.probabilities.begin() + static_cast<std::ptrdiff_t>(i) * labels.choices;
    const auto end = begin + labels.choices, largest = std::max_element(begin, end);
    const bool unique = std::count(begin, end, *largest) == 1;
    found.push_back(unique ? static_cast<std::int32_t>(largest - begin) : kNoChoice);
  }
  return found;
}

std::vector<Tally> expected_right(const Votes& votes, const LabelPosterior& labels) {
  check_votes(votes);
  check_labels(labels);
  check_argument(labels.items == votes.items, "labels.items", "as many items as the votes have", labels.items);
  check_argument(labels.choices == votes.choices, "labels.choices", "as many choices as the votes have",
                 labels.choices);
  std::vector<Tally> found(votes.annotators);
  for (const Vote& vote : votes.list) {
    Tally& tally = found[vote.annotator];
    tally.successes += labels.probabilities[static_cast<std::size_t>(vote.item) * labels.choices + vote.choice];
    ++tally.trials;
  }
  return found;
}

Votes drop_in_play(const Votes& votes, const std::vector<bool>& in_play, const std::vector<bool>& trusted) {
  check_votes(votes);
  check_argument(in_play.size() == static_cast<std::size_t>(votes.items), "in_play", "one entry per item",
                 in_play.size());
  check_argument(trusted.size() == static_cast<std::size_t>(votes.annotators), "trusted", "one entry per annotator",
                 trusted.size());
  Votes found{votes.items, votes.annotators, votes.choices, {}};
  for (const Vote& vote : votes.list)
    if (!in_play[vote.item] || trusted[vote.annotator]) found.list.push_back(vote);
  check_argument(!found.list.empty(), "in_play", "an item that is not in play, or a trusted annotator", "neither");
  return found;
}

}  // namespace rlhf
