// Wrong calls of the statistics: each is an rlhf::Error that says what was expected and found.
#include "support/misuse.h"

#include <limits>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/agreement.h"
#include "rlhf/feedback/dawid_skene.h"
#include "rlhf/feedback/glad.h"
#include "rlhf/feedback/interval.h"
#include "rlhf/feedback/mace.h"
#include "rlhf/feedback/vote_summary.h"

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::votes_of;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(FeedbackMisuse, Votes) {
  const auto counted = [](Votes votes) { return [votes] { count_votes(votes); }; };
  expect_misuse<ArgumentError>("votes.list: expected at least one vote, found none", counted({1, 1, 2, {}}));
  expect_misuse<ArgumentError>("votes.items: expected at least 1, found 0", counted({0, 1, 2, {}}));
  expect_misuse<ArgumentError>("votes.annotators: expected at least 1", counted({1, -1, 2, {}}));
  expect_misuse<ArgumentError>("votes.choices: expected at least 2, found 1", counted({1, 1, 1, {}}));
  expect_misuse<ArgumentError>("votes.list[1].item: expected 0 to 1, found 2",
                               counted({2, 2, 2, {{0, 0, 0}, {2, 0, 0}}}));
  expect_misuse<ArgumentError>("votes.list[0].annotator: expected 0 to 1, found -1", counted({2, 2, 2, {{0, -1, 0}}}));
  expect_misuse<ArgumentError>("votes.list[0].choice: expected 0 to 2, found 3", counted({2, 2, 3, {{0, 0, 3}}}));
  expect_misuse<ArgumentError>("votes: expected votes of at least two annotators, found only votes of annotator 1",
                               counted({2, 2, 2, {{0, 1, 0}, {1, 1, 0}}}));
  expect_misuse<ArgumentError>(
      "votes: expected one vote of an annotator on an item, found two of annotator 1 on item 0",
      counted({2, 2, 2, {{0, 1, 0}, {1, 0, 0}, {0, 1, 1}}}));
}

TEST(FeedbackMisuse, PairsOfAnnotators) {
  const Votes votes = votes_of({{0, 1}, {1, 1}}, 2);
  expect_misuse<ArgumentError>("annotator: expected an annotator of the votes, found 2",
                               [&] { paired_choices(votes, 0, 2); });
  expect_misuse<ArgumentError>("second: expected another annotator than the first, found 1",
                               [&] { paired_choices(votes, 1, 1); });
  expect_misuse<ArgumentError>("pairs.second: expected as many choices as the first has, found 1", [] {
    cohen_kappa({2, {0, 1}, {0}}, nominal_disagreement(2));
  });
  expect_misuse<ArgumentError>("pairs: expected choices below pairs.choices, found 2", [] {
    cohen_kappa({2, {0}, {2}}, nominal_disagreement(2));
  });
}

TEST(FeedbackMisuse, Agreement) {
  const VoteCounts counts{2, 2, {1, 1, 2, 0}};
  expect_misuse<ArgumentError>("counts.counts: expected items times choices, found 3", [] {
    percent_agreement({2, 2, {1, 1, 2}});
  });
  expect_misuse<ArgumentError>("counts.items: expected at least 1", [] { fleiss_kappa({0, 2, {}}); });
  expect_misuse<ArgumentError>("disagreement.choices: expected as many choices as the votes have, found 3",
                               [&] { krippendorff_alpha(counts, nominal_disagreement(3)); });
  expect_misuse<ArgumentError>("disagreement.weights", [&] { krippendorff_alpha(counts, {2, {0, 1}}); });
  expect_misuse<ArgumentError>("choices: expected at least 2, found 1", [] { nominal_disagreement(1); });
  expect_misuse<ArgumentError>("values: expected finite numbers, found nan", [] { interval_disagreement({0, kNan}); });
  expect_misuse<ArgumentError>("items: expected items of the counts, found 2", [&] { select_items(counts, {0, 2}); });
  expect_misuse<ArgumentError>("percent_agreement: expected a number from 0 to 1", [] { vote_accuracy(kNan); });
}

TEST(FeedbackMisuse, Intervals) {
  expect_misuse<ArgumentError>("p: expected above 0 and below 1, found 1", [] { normal_quantile(1); });
  expect_misuse<ArgumentError>("trials: expected above 0, found 0", [] { wilson_interval(0, 0); });
  expect_misuse<ArgumentError>("successes: expected 0 to trials, found 3", [] { wilson_interval(3, 2); });
  expect_misuse<ArgumentError>("level: expected above 0 and below 1, found 95", [] { wilson_interval(1, 2, 95); });
  const auto one = [](const std::vector<std::size_t>&) { return 1.0; };
  const auto nan = [](const std::vector<std::size_t>&) { return kNan; };
  expect_misuse<ArgumentError>("units: expected at least 1", [&] { bootstrap_interval(0, {}, one); });
  expect_misuse<ArgumentError>("resamples: expected at least 2, found 1", [&] { bootstrap_interval(3, {1}, one); });
  expect_misuse<ArgumentError>("level", [&] { bootstrap_interval(3, {10, 0}, one); });
  expect_misuse<ArgumentError>("statistic: expected a finite number", [&] { bootstrap_interval(3, {}, nan); });
  expect_misuse<ArgumentError>("statistic: expected a function, found none", [] { bootstrap_interval(3, {}, {}); });
}

TEST(FeedbackMisuse, Labels) {
  const Votes votes = votes_of({{0, 1}, {1, 1}}, 2);
  expect_misuse<ArgumentError>("votes.list: expected at least one vote", [] { majority_vote({1, 1, 2, {}}); });
  expect_misuse<ArgumentError>("labels.probabilities: expected items times choices, found 1", [] {
    most_likely({1, 2, {1}});
  });
  expect_misuse<ArgumentError>("labels.items: expected as many items as the votes have, found 1", [&] {
    expected_right(votes, {1, 2, {1, 0}});
  });
  expect_misuse<ArgumentError>("labels.choices: expected as many choices as the votes have, found 3", [&] {
    expected_right(votes, {2, 3, {1, 0, 0, 1, 0, 0}});
  });
  expect_misuse<ArgumentError>("in_play: expected one entry per item, found 1", [&] {
    drop_in_play(votes, {true}, {true, true});
  });
  expect_misuse<ArgumentError>("trusted: expected one entry per annotator, found 0", [&] {
    drop_in_play(votes, {true, true}, {});
  });
  expect_misuse<ArgumentError>("in_play: expected an item that is not in play, or a trusted annotator, found neither",
                               [&] {
                                 drop_in_play(votes, {true, true}, {false, false});
                               });
}

TEST(FeedbackMisuse, Models) {
  const Votes votes = votes_of({{0, 1}, {1, 1}}, 2);
  const auto coin = [&](PseudoVotes prior, EmOptions options) { return [=] { fit_one_coin(votes, prior, options); }; };
  expect_misuse<ArgumentError>("prior.right: expected at least 0, found -1", coin({-1, 1}, {}));
  expect_misuse<ArgumentError>("prior.wrong: expected at least 0, found nan", coin({1, kNan}, {}));
  expect_misuse<ArgumentError>("gold: expected one entry per item, found 1", coin({}, {{0}}));
  expect_misuse<ArgumentError>("gold: expected a choice or kNoChoice, found 2", coin({}, {{0, 2}}));
  expect_misuse<ArgumentError>("max_iterations: expected at least 1, found 0", coin({}, {{}, 0}));
  expect_misuse<ArgumentError>("tolerance: expected at least 0, found nan", coin({}, {{}, 5, kNan}));
  expect_misuse<ArgumentError>("votes.list[0].item", [] { fit_dawid_skene({1, 1, 2, {{1, 0, 0}}}); });
  expect_misuse<ArgumentError>("votes.list", [] { fit_glad({1, 1, 2, {}}); });
  expect_misuse<ArgumentError>("starts: expected at least 1, found 0", [&] { fit_mace(votes, {.starts = 0}); });
  expect_misuse<ArgumentError>("prior.habit: expected above 0, found 0", [&] {
    fit_mace(votes, {.prior = {1, 1, 0}});
  });
}

TEST(FeedbackMisuse, Summaries) {
  const Votes votes = votes_of({{0, 1}, {1, 1}}, 2);
  const auto summary = [&](VoteDetails details) { return [=] { summarise_votes(votes, details, {0, 1, 0, 1}, 2); }; };
  expect_misuse<ArgumentError>("details.tie: expected a choice or kNoChoice, found 2", summary({2}));
  expect_misuse<ArgumentError>("details.gold: expected no entry, or one per item or vote, found 1", summary({-1, {0}}));
  expect_misuse<ArgumentError>("details.gold: expected a choice or kNoChoice, found 2", summary({-1, {0, 2}}));
  expect_misuse<ArgumentError>("details.shown_first: expected no entry", summary({-1, {}, {0, 1}}));
  expect_misuse<ArgumentError>("details.seconds: expected no entry, or one per vote, found 1",
                               summary({-1, {}, {}, {1}}));
  expect_misuse<ArgumentError>("details.seconds: expected at least 0, or NaN, found -1",
                               summary({-1, {}, {}, {1, kNan, -1, 1}}));
  expect_misuse<ArgumentError>("group_of_vote: expected one entry per vote, found 2", [&] {
    summarise_votes(votes, {}, {0, 1}, 2);
  });
  expect_misuse<ArgumentError>("group_of_vote: expected groups below the number of groups, found 2", [&] {
    summarise_votes(votes, {}, {0, 1, 2, 0}, 2);
  });
  expect_misuse<ArgumentError>("groups: expected at least 1, found 0", [&] { summarise_votes(votes, {}, {}, 0); });
  expect_misuse<ArgumentError>("votes.list", [] { self_agreement({1, 1, 2, {}}); });
  expect_misuse<ArgumentError>("reliability: expected one entry per annotator, found 1",
                               [&] { contested_items(votes, majority_vote(votes), {0.5}); });
  expect_misuse<ArgumentError>("labels.items", [&] { contested_items(votes, {1, 2, {1, 0}}, {0.5, 0.5}); });
}

}  // namespace
}  // namespace rlhf
