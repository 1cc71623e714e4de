#include "rlhf/core/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

struct KnownAnswer {
  std::uint64_t key, counter_low, counter_high;
  std::array<std::uint32_t, 4> words;
};

// Random123, tests/kat_vectors, the lines "philox4x32 10": counter words, key words, result, low word first.
TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  const KnownAnswer answers[] = {
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const KnownAnswer& answer : answers) {
    EXPECT_EQ(philox(answer.key, answer.counter_low, answer.counter_high), answer.words);
  }
}

// The counter is (index, stream), the key is the seed; zeros give the first known answer.
TEST(RandomUniform, IsTheTop53BitsOfTheFirstTwoWords) {
  const double expected = static_cast<double>(0xe169c58d6627e8d5ull >> 11) / 9007199254740992.0;
  EXPECT_EQ(random_uniform(0, 0, 0), expected);
  EXPECT_NE(random_uniform(0, 1, 0), expected);
  EXPECT_NE(random_uniform(0, 0, 1), expected);
  EXPECT_NE(random_uniform(1, 0, 0), expected);
}

TEST(RandomUniform, FillsTheOpenUnitIntervalEvenly) {
  constexpr int kDraws = 100000;
  double sum = 0, square_sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random_uniform(7, 3, static_cast<std::uint64_t>(i));
    ASSERT_GT(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
    square_sum += x * x;
  }
  // Mean 1/2 with standard error 1/√(12n) = 0.00091; mean square 1/3 with standard error √(4/45/n) = 0.00094.
  EXPECT_NEAR(sum / kDraws, 0.5, 0.004);
  EXPECT_NEAR(square_sum / kDraws, 1.0 / 3.0, 0.004);
}

TEST(RandomNormal, HasTheMomentsOfAStandardNormal) {
  constexpr int kDraws = 100000;
  double moments[5] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double x = random_normal(11, 5, static_cast<std::uint64_t>(i));
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(x, power) / kDraws;
  }
  // Standard errors √(1, 2, 15, 96) / √n = 0.0032, 0.0045, 0.012, 0.031.
  EXPECT_NEAR(moments[1], 0.0, 0.013);
  EXPECT_NEAR(moments[2], 1.0, 0.018);
  EXPECT_NEAR(moments[3], 0.0, 0.05);
  EXPECT_NEAR(moments[4], 3.0, 0.13);
}

TEST(RandomBelow, StaysBelowAndHitsEveryNumberEquallyOften) {
  constexpr int kDraws = 60000;
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts.at(random_below(1, 2, static_cast<std::uint64_t>(i), 6));
  double chi_square = 0;
  for (int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom, p = 0.001
}

// With bound 3·2^62 a plain modulo would give numbers below 2^62 twice as often as they deserve (1/2 instead of 1/3).
TEST(RandomBelow, HasNoModuloBiasForHugeBounds) {
  constexpr std::uint64_t kQuarter = std::uint64_t{1} << 62;
  constexpr int kDraws = 20000;
  int low = 0;
  for (int i = 0; i < kDraws; ++i) low += random_below(1, 2, static_cast<std::uint64_t>(i), 3 * kQuarter) < kQuarter;
  EXPECT_NEAR(static_cast<double>(low) / kDraws, 1.0 / 3.0, 0.014);  // four standard errors
}

TEST(RandomPermutation, HoldsEveryIndexOnceAndDependsOnSeedAndStream) {
  const auto order = random_permutation(100, 5, 9);
  EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), 100u);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 99u);
  EXPECT_EQ(order, random_permutation(100, 5, 9));
  EXPECT_NE(order, random_permutation(100, 6, 9));
  EXPECT_NE(order, random_permutation(100, 5, 10));
  EXPECT_TRUE(random_permutation(0, 1, 1).empty());
}

TEST(RandomPermutation, GivesAllOrdersOfThreeEquallyOften) {
  constexpr int kDraws = 12000;
  std::array<int, 27> counts{};
  for (int i = 0; i < kDraws; ++i) {
    const auto order = random_permutation(3, 1, static_cast<std::uint64_t>(i));
    ++counts.at(order[0] * 9 + order[1] * 3 + order[2]);
  }
  int seen = 0;
  for (int count : counts) {
    if (count == 0) continue;
    ++seen;
    EXPECT_NEAR(count, 2000, 165);  // four standard deviations √(n·1/6·5/6) = 41
  }
  EXPECT_EQ(seen, 6);
}

TEST(RandomStream, KeepsItsPartsApart) {
  std::set<std::uint64_t> streams;
  for (std::uint64_t a = 0; a < 10; ++a) {
    for (std::uint64_t b = 0; b < 10; ++b) {
      for (std::uint64_t c = 0; c < 10; ++c) streams.insert(random_stream(a, b, c));
    }
  }
  EXPECT_EQ(streams.size(), 1000u);
}

}  // namespace
}  // namespace rlhf
