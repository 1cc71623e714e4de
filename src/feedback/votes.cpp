// Votes and their counts, with the checks of both.
#include "rlhf/feedback/votes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

void check_index(std::int32_t index, std::int32_t bound, std::size_t vote, std::string_view field) {
  if (index >= 0 && index < bound) [[likely]]
    return;
  const std::string name = "votes.list[" + std::to_string(vote) + "]." + std::string(field);
  check_argument(false, name, "0 to " + std::to_string(bound - 1), index);
}

bool same_voter(const Vote& a, const Vote& b) { return a.item == b.item && a.annotator == b.annotator; }

void check_one_vote_per_item(std::vector<Vote> list) {
  const auto before = [](const Vote& a, const Vote& b) {
    return std::pair(a.item, a.annotator) < std::pair(b.item, b.annotator);
  };
  std::sort(list.begin(), list.end(), before);
  const auto twice = std::adjacent_find(list.begin(), list.end(), same_voter);
  if (twice == list.end()) return;
  check_argument(false, "votes", "one vote of an annotator on an item",
                 "two of annotator " + std::to_string(twice->annotator) + " on item " + std::to_string(twice->item));
}

std::vector<Vote> votes_of(const Votes& votes, std::int32_t annotator) {
  std::vector<Vote> found;
  std::copy_if(votes.list.begin(), votes.list.end(), std::back_inserter(found),
               [annotator](const Vote& vote) { return vote.annotator == annotator; });
  return found;
}

}  // namespace

void check_votes(const Votes& votes) {
  check_argument(votes.items >= 1, "votes.items", "at least 1", votes.items);
  check_argument(votes.annotators >= 1, "votes.annotators", "at least 1", votes.annotators);
  check_argument(votes.choices >= 2, "votes.choices", "at least 2", votes.choices);
  check_argument(!votes.list.empty(), "votes.list", "at least one vote", "none");
  for (std::size_t v = 0; v < votes.list.size(); ++v) {
    check_index(votes.list[v].item, votes.items, v, "item");
    check_index(votes.list[v].annotator, votes.annotators, v, "annotator");
    check_index(votes.list[v].choice, votes.choices, v, "choice");
  }
}

VoteCounts count_votes(const Votes& votes) {
  check_votes(votes);
  const std::int32_t one = votes.list.front().annotator;
  const bool several =
      std::any_of(votes.list.begin(), votes.list.end(), [one](const Vote& vote) { return vote.annotator != one; });
  check_argument(several, "votes", "votes of at least two annotators",
                 "only votes of annotator " + std::to_string(one));
  check_one_vote_per_item(votes.list);
  VoteCounts found{votes.items, votes.choices, {}};
  found.counts.resize(static_cast<std::size_t>(votes.items) * votes.choices);
  for (const Vote& vote : votes.list) ++found.counts[static_cast<std::size_t>(vote.item) * votes.choices + vote.choice];
  return found;
}

VoteCounts select_items(const VoteCounts& counts, const std::vector<std::size_t>& items) {
  VoteCounts found{static_cast<std::int32_t>(items.size()), counts.choices, {}};
  found.counts.reserve(items.size() * counts.choices);
  for (const std::size_t item : items) {
    check_argument(item < static_cast<std::size_t>(counts.items), "items", "items of the counts", item);
    const auto row = counts.counts.begin() + static_cast<std::ptrdiff_t>(item * counts.choices);
    found.counts.insert(found.counts.end(), row, row + counts.choices);
  }
  return found;
}

PairedChoices paired_choices(const Votes& votes, std::int32_t first, std::int32_t second) {
  check_votes(votes);
  for (const std::int32_t annotator : {first, second})
    check_argument(annotator >= 0 && annotator < votes.annotators, "annotator", "an annotator of the votes", annotator);
  check_argument(first != second, "second", "another annotator than the first", second);
  constexpr std::int32_t kNone = -1;
  std::vector<std::int32_t> choice_of_second(static_cast<std::size_t>(votes.items), kNone);
  std::vector<Vote> firsts = votes_of(votes, first), seconds = votes_of(votes, second);
  check_one_vote_per_item(firsts);
  check_one_vote_per_item(seconds);
  for (const Vote& vote : seconds) choice_of_second[vote.item] = vote.choice;
  std::sort(firsts.begin(), firsts.end(), [](const Vote& a, const Vote& b) { return a.item < b.item; });
  PairedChoices found{votes.choices, {}, {}};
  for (const Vote& vote : firsts) {
    if (choice_of_second[vote.item] == kNone) continue;
    found.first.push_back(vote.choice);
    found.second.push_back(choice_of_second[vote.item]);
  }
  return found;
}

}  // namespace rlhf
