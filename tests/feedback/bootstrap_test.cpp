#include <atomic>

#include <gtest/gtest.h>

#include "rlhf/core/random.h"
#include "rlhf/feedback/agreement.h"
#include "rlhf/feedback/interval.h"

namespace rlhf {
namespace {

using Units = std::vector<std::size_t>;

/// The share of units below `successes`.
ResampledStatistic share_below(std::size_t successes) {
  return [successes](const Units& units) {
    double sum = 0;
    for (const std::size_t unit : units) sum += unit < successes;
    return sum / static_cast<double>(units.size());
  };
}

TEST(Bootstrap, OfAShareHasTheQuantilesOfTheBinomialDistribution) {
  // Binomial(100, 0.3): P(X <= 20) = 0.016, P(X <= 21) = 0.029; P(X <= 38) = 0.966, P(X <= 39) = 0.979 (scipy 1.12).
  const auto found = bootstrap_interval(100, {20000, 0.95, 1}, share_below(30));
  EXPECT_DOUBLE_EQ(found.value().low, 0.21);
  EXPECT_DOUBLE_EQ(found.value().high, 0.39);
}

TEST(Bootstrap, DependsOnTheSeedAndOnNothingElse) {
  const auto a = bootstrap_interval(50, {200, 0.9, 3}, share_below(17));
  const auto b = bootstrap_interval(50, {200, 0.9, 3}, share_below(17));
  const auto c = bootstrap_interval(5000, {200, 0.9, 3}, share_below(1700));
  const auto d = bootstrap_interval(5000, {200, 0.9, 4}, share_below(1700));
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
  EXPECT_TRUE(c->low != d->low || c->high != d->high);
}

TEST(Bootstrap, QuantilesAreInterpolated) {
  // A statistic that is 0, 1, 2, 3, 4 in some order: quantile 0.1 lies at position 0.4, quantile 0.9 at 3.6.
  std::atomic<int> calls = 0;
  const auto found = bootstrap_interval(1, {5, 0.8, 0}, [&](const Units&) { return double(calls++); });
  EXPECT_NEAR(found->low, 0.4, 1e-12);
  EXPECT_NEAR(found->high, 3.6, 1e-12);
}

TEST(Bootstrap, LeavesOutUndefinedResamplesUntilTheyAreTheMost) {
  std::atomic<int> calls = 0;
  const auto every = [&](int n) {
    calls = 0;
    return [&calls, n](const Units&) { return calls++ % n == 0 ? std::optional(7.0) : std::nullopt; };
  };
  EXPECT_EQ(bootstrap_interval(3, {10, 0.9, 0}, every(2))->low, 7);
  EXPECT_FALSE(bootstrap_interval(3, {10, 0.9, 0}, every(3)));
}

TEST(Bootstrap, OfKappaCoversTheKappaOfTheWorldItCameFrom) {
  // One choice in two: two annotators who are right 80 % of the time agree with probability 0.68, so κ = 0.36.
  int covered = 0;
  constexpr int kWorlds = 100;
  for (int world = 0; world < kWorlds; ++world) {
    VoteCounts counts{200, 2, std::vector<std::int32_t>(400)};
    for (std::int32_t i = 0; i < 200; ++i)
      for (int vote = 0; vote < 2; ++vote)
        ++counts.counts[2 * i + (random_uniform(world, i, vote) < 0.8 ? i % 2 : 1 - i % 2)];
    const auto interval = bootstrap_interval(
        200, {400, 0.9, 5}, [&](const Units& units) { return fleiss_kappa(select_items(counts, units)); });
    covered += interval->low <= 0.36 && 0.36 <= interval->high;
  }
  // Binomial(100, 0.9) is outside 80 to 98 with probability 0.1 %.
  EXPECT_GE(covered, 80);
  EXPECT_LE(covered, 98);
}

}  // namespace
}  // namespace rlhf
