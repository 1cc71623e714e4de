// Wrong calls of the statistics of scores: each is an rlhf::Error that says what was expected and found.
#include <limits>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/agreement_penalty.h"
#include "rlhf/feedback/best_of_n.h"
#include "rlhf/feedback/grouped_mean.h"
#include "rlhf/feedback/rank_statistics.h"
#include "rlhf/feedback/reliability.h"
#include "rlhf/feedback/scored_pairs.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(EvaluationMisuse, ScoredPairs) {
  expect_misuse<ArgumentError>("pairs.truths: expected as many as margins, found 1", [] { pair_hits({{1, 2}, {1}}); });
  expect_misuse<ArgumentError>("pairs.margins: expected finite numbers, found nan", [] { pair_losses({{kNan}, {1}}); });
  expect_misuse<ArgumentError>("pairs.truths: expected numbers from 0 to 1, found 2", [] {
    squared_errors({{1}, {2}});
  });
  expect_misuse<ArgumentError>("pairs.truths: expected numbers from 0 to 1, found nan", [] {
    fit_temperature({{1}, {kNan}});
  });
  expect_misuse<ArgumentError>("margins: expected at least one, found none", [] { swap_asymmetry({}, {}); });
  expect_misuse<ArgumentError>("swapped: expected as many as margins, found 0", [] { swap_asymmetry({1}, {}); });
}

TEST(EvaluationMisuse, Reliability) {
  expect_misuse<ArgumentError>("values: expected at least one, found none", [] { quantile_groups({}, 3); });
  expect_misuse<ArgumentError>("bins: expected at least 1, found 0", [] { quantile_groups({1}, 0); });
  expect_misuse<ArgumentError>("values: expected finite numbers, found nan", [] { quantile_groups({kNan}, 1); });
  expect_misuse<ArgumentError>("diagram: expected at least one pair, found none",
                               [] { expected_calibration_error({}); });
}

TEST(EvaluationMisuse, GroupedMeans) {
  expect_misuse<ArgumentError>("groups: expected one for each value, found 0", [] { grouped_mean({{1}, {}}, {}); });
  expect_misuse<ArgumentError>("groups: expected at least 0, found -1", [] { grouped_mean({{1}, {-1}}, {}); });
  expect_misuse<ArgumentError>("values: expected finite numbers, found nan", [] {
    grouped_difference({{1}, {0}}, {{kNan}, {0}}, {});
  });
}

TEST(EvaluationMisuse, Ranks) {
  expect_misuse<ArgumentError>("y: expected as many values as x has, found 1", [] { spearman({}, {1}); });
  expect_misuse<ArgumentError>("x: expected finite numbers, found nan", [] { spearman({kNan}, {1}); });
  expect_misuse<ArgumentError>("groups: expected one for each value, found 0", [] { spearman_within({1}, {1}, {}); });
  expect_misuse<ArgumentError>("positives: expected finite numbers, found nan", [] { roc_auc({1}, {kNan}); });
  expect_misuse<ArgumentError>("n: expected 1 to the number of scores, found 3", [] { best_of_n({1, 2}, {1, 2}, 3); });
  expect_misuse<ArgumentError>("n: expected 1 to the number of scores, found 0", [] { best_of_n({1, 2}, {1, 2}, 0); });
  expect_misuse<ArgumentError>("values: expected as many as scores, found 1", [] { best_of_n({1, 2}, {1}, 1); });
  expect_misuse<ArgumentError>("questions: expected at least one, found none", [] { style_matrix({}); });
  expect_misuse<ArgumentError>("wrong: expected finite numbers, found nan", [] {
    style_matrix({{{0, 0, 0}, {0, kNan, 0}}});
  });
}

TEST(EvaluationMisuse, AgreementPenalty) {
  expect_misuse<ArgumentError>("kl_coef: expected above 0, found 0", [] { agreement_penalty({}, 0); });
  expect_misuse<ArgumentError>("agrees: expected as many as scores, found 0", [] {
    agreement_penalty({{{1}, {}}}, 1);
  });
  expect_misuse<ArgumentError>("scores: expected finite numbers, found nan", [] {
    agreement_penalty({{{kNan}, {true}}}, 1);
  });
}

}  // namespace
}  // namespace rlhf
