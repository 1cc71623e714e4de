// Trust in annotators, given margins.
#include "rlhf/feedback/trust.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Trust, IsWhereThePosteriorIsLevel) {
  // Annotator 0 has 6 votes on pairs with the margin 1.5, of which 2 are against it: 4·1.5·σ(−1.5α) − 2·1.5·σ(1.5α) is
  // balanced by the prior's 2·(α − 1). Annotator 1 has no votes but a tie, annotator 2 one where there is no margin
  // yet.
  JudgedPairs judged{8, 3, {}};
  for (std::int32_t i = 0; i < 6; ++i) judged.votes.push_back({i, 0, i < 4 ? 1 : -1});
  judged.votes.push_back({6, 1, 0, 3});
  judged.votes.push_back({7, 2, -1});
  const auto found = fit_trust(judged, {1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 0}, {2, 0.95});
  const double alpha = found[0].value;
  EXPECT_NEAR(6 * logistic(-1.5 * alpha) - 3 * logistic(1.5 * alpha), 2 * (alpha - 1), 1e-8);
  const double information = 2 + 6 * 1.5 * 1.5 * logistic(1.5 * alpha) * logistic(-1.5 * alpha);
  EXPECT_NEAR(found[0].standard_error, 1 / std::sqrt(information), 1e-8);
  EXPECT_NEAR(found[0].interval.high - found[0].interval.low, 2 * 1.959964 / std::sqrt(information), 1e-5);
  for (std::size_t k : {1, 2}) {
    EXPECT_EQ(found[k].value, 1);
    EXPECT_NEAR(found[k].standard_error, 1 / std::sqrt(2), 1e-12);
  }
}

TEST(Trust, IsFoundAndCovered) {
  // Votes by the model itself, from adversaries over tossers of coins to the trusted.
  double covered = 0, squares = 0;
  constexpr std::int32_t kAnnotators = 300, kVotes = 200;
  JudgedPairs judged{kVotes, kAnnotators, {}};
  std::vector<double> margins, truth;
  for (std::int32_t i = 0; i < kVotes; ++i) margins.push_back(2 * random_normal(1, 1, i));
  for (std::int32_t k = 0; k < kAnnotators; ++k) {
    truth.push_back(1 + random_normal(1, 2, k));
    for (std::int32_t i = 0; i < kVotes; ++i)
      judged.votes.push_back({i, k, random_uniform(1, 3 + k, i) < logistic(truth[k] * margins[i]) ? 1 : -1});
  }
  const auto found = fit_trust(judged, margins);
  for (std::int32_t k = 0; k < kAnnotators; ++k) {
    covered += found[k].interval.low <= truth[k] && truth[k] <= found[k].interval.high;
    squares += std::pow((found[k].value - truth[k]) / found[k].standard_error, 2);
  }
  EXPECT_NEAR(covered / kAnnotators, 0.95, 4 * std::sqrt(0.95 * 0.05 / kAnnotators));
  EXPECT_NEAR(squares / kAnnotators, 1, 4 * std::sqrt(2. / kAnnotators));  // of squared standard normal numbers
}

TEST(Trust, Misuse) {
  const JudgedPairs judged{1, 1, {{0, 0, 1}}};
  expect_misuse<ArgumentError>("margins: expected one number per pair, found 2", [&] { fit_trust(judged, {1, 2}); });
  expect_misuse<ArgumentError>("margins: expected numbers between -1e6 and 1e6, found nan",
                               [&] { fit_trust(judged, {std::nan("")}); });
  expect_misuse<ArgumentError>("precision: expected above 0, found 0", [&] { fit_trust(judged, {1}, {0, 0.95}); });
  expect_misuse<ArgumentError>("level: expected above 0 and below 1", [&] { fit_trust(judged, {1}, {1, 1}); });
}

}  // namespace
}  // namespace rlhf
