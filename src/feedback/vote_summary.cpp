// What votes of an annotator, a domain or a role are like.
#include "rlhf/feedback/vote_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "rlhf/core/check_argument.h"

#include "feedback/check_sizes.h"

namespace rlhf {
namespace {

void check_choices(const std::vector<std::int32_t>& list, std::size_t size, std::int32_t choices,
                   std::string_view name) {
  if (list.empty()) return;
  check_argument(list.size() == size, name, "no entry, or one per item or vote", list.size());
  for (const std::int32_t choice : list)
    check_argument(choice == kNoChoice || (choice >= 0 && choice < choices), name, "a choice or kNoChoice", choice);
}

void check_details(const Votes& votes, const VoteDetails& details) {
  const bool choice = details.tie >= 0 && details.tie < votes.choices;
  check_argument(choice || details.tie == kNoChoice, "details.tie", "a choice or kNoChoice", details.tie);
  check_choices(details.gold, votes.items, votes.choices, "details.gold");
  check_choices(details.shown_first, votes.list.size(), votes.choices, "details.shown_first");
  check_argument(details.seconds.empty() || details.seconds.size() == votes.list.size(), "details.seconds",
                 "no entry, or one per vote", details.seconds.size());
  for (const double seconds : details.seconds)
    check_argument(!(seconds < 0) && !std::isinf(seconds), "details.seconds", "at least 0, or NaN", seconds);
}

/// Calls body(votes of one annotator on one item, as indices) for every annotator and item with votes.
template <typename Body>
void for_each_voter(const Votes& votes, const Body& body) {
  const auto key = [&](std::size_t v) { return std::pair(votes.list[v].item, votes.list[v].annotator); };
  std::vector<std::size_t> order(votes.list.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && key(order[end]) == key(order[begin])) ++end;
    body(std::span(order).subspan(begin, end - begin));
  }
}

/// The share of the other annotators' votes on its item that agree with each vote [votes]; nullopt without such votes.
std::vector<std::optional<double>> agreement_with_others(const Votes& votes) {
  const std::size_t choices = votes.choices;
  std::vector<double> on_item(votes.items), for_choice(votes.items * choices);
  for (const Vote& vote : votes.list) {
    ++on_item[vote.item];
    ++for_choice[vote.item * choices + vote.choice];
  }
  std::vector<std::optional<double>> found(votes.list.size());
  for_each_voter(votes, [&](std::span<const std::size_t> own) {
    for (const std::size_t v : own) {
      const Vote& vote = votes.list[v];
      const auto agrees = [&](std::size_t other) { return votes.list[other].choice == vote.choice; };
      const double others = on_item[vote.item] - static_cast<double>(own.size());
      const double agreeing = for_choice[vote.item * choices + vote.choice] -
                              static_cast<double>(std::count_if(own.begin(), own.end(), agrees));
      if (others > 0) found[v] = agreeing / others;
    }
  });
  return found;
}

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

void count(Tally& tally, double success) {
  ++tally.trials;
  tally.successes += success;
}

/// Adds what is known about vote v.
void add_vote(VoteSummary& summary, const Votes& votes, const VoteDetails& details, std::size_t v) {
  const Vote& vote = votes.list[v];
  const bool tie = vote.choice == details.tie;
  ++summary.votes;
  summary.ties += tie;
  if (!details.gold.empty() && details.gold[vote.item] != kNoChoice)
    count(summary.gold, vote.choice == details.gold[vote.item]);
  if (!tie && !details.shown_first.empty() && details.shown_first[v] != kNoChoice)
    count(summary.first, vote.choice == details.shown_first[v]);
}

}  // namespace

std::vector<VoteSummary> summarise_votes(const Votes& votes, const VoteDetails& details,
                                         const std::vector<std::int32_t>& group_of_vote, std::int32_t groups) {
  check_votes(votes);
  check_details(votes, details);
  check_argument(groups >= 1, "groups", "at least 1", groups);
  check_argument(group_of_vote.size() == votes.list.size(), "group_of_vote", "one entry per vote",
                 group_of_vote.size());
  const auto agreement = agreement_with_others(votes);
  std::vector<VoteSummary> found(groups);
  std::vector<std::vector<double>> seconds(groups);
  for (std::size_t v = 0; v < votes.list.size(); ++v) {
    const std::int32_t group = group_of_vote[v];
    check_argument(group >= 0 && group < groups, "group_of_vote", "groups below the number of groups", group);
    add_vote(found[group], votes, details, v);
    if (agreement[v]) count(found[group].agreement, *agreement[v]);
    if (!details.seconds.empty() && !std::isnan(details.seconds[v])) seconds[group].push_back(details.seconds[v]);
  }
  for (std::size_t g = 0; g < found.size(); ++g) found[g].median_seconds = median(std::move(seconds[g]));
  return found;
}

std::vector<Tally> self_agreement(const Votes& votes) {
  check_votes(votes);
  std::vector<Tally> found(votes.annotators);
  for_each_voter(votes, [&](std::span<const std::size_t> own) {
    for (std::size_t a = 0; a < own.size(); ++a)
      for (std::size_t b = a + 1; b < own.size(); ++b)
        count(found[votes.list[own[a]].annotator], votes.list[own[a]].choice == votes.list[own[b]].choice);
  });
  return found;
}

std::vector<std::int32_t> contested_items(const Votes& votes, const LabelPosterior& labels,
                                          const std::vector<double>& reliability, const ContestedOptions& options) {
  check_votes(votes);
  check_labels(labels);
  check_argument(labels.items == votes.items, "labels.items", "as many items as the votes have", labels.items);
  check_argument(reliability.size() == static_cast<std::size_t>(votes.annotators), "reliability",
                 "one entry per annotator", reliability.size());
  std::vector<int> reliable(votes.items);
  for (const Vote& vote : votes.list) reliable[vote.item] += reliability[vote.annotator] >= options.reliability;
  std::vector<std::int32_t> found;
  for (std::int32_t i = 0; i < votes.items; ++i) {
    const auto row = labels.probabilities.begin() + static_cast<std::ptrdiff_t>(i) * labels.choices;
    const double most = *std::max_element(row, row + labels.choices);
    if (reliable[i] >= options.votes && most <= options.probability) found.push_back(i);
  }
  return found;
}

}  // namespace rlhf
