// Numbers of texts, put in order, and the pairs of an evaluation made of them.
#include "train/text_numbers.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/tensors.h"
#include "train/evaluated_pairs.h"

namespace rlhf {
namespace {

using testing::f32;

/// A pair and a ranking of three with the same prompt, a single completion of another.
const RankedSample kPair{{{1, 5}, {1, 6, 7}}, {RankedPair{.chosen = 1, .rejected = 0, .target = 0.75}}, 1};
const RankedSample kRanking{{{1, 5}, {1, 6}, {1, 7, 8, 9}}, {RankedPair{0, 2}, RankedPair{1, 2}}, 1};
const RankedSample kSingle{{{2, 5}}, {}, 1, 1.0F};
const std::vector<const RankedSample*> kSamples = {&kPair, &kSingle, &kRanking};

TEST(TextNumbers, AreInTheOrderOfTheSamples) {
  TextNumbers numbers(kSamples, at::kCPU);
  numbers.add({&kRanking}, f32({1, 2, 3}));
  numbers.add({&kSingle, &kPair}, f32({4, 5, 6}));
  EXPECT_TRUE(numbers.of_all(one_rank(), "scores").equal(f32({5, 6, 4, 1, 2, 3})));
}

// A rank with an empty share has zeros, which add nothing.
TEST(TextNumbers, OfSamplesOfOtherRanksAreZero) {
  TextNumbers numbers(kSamples, at::kCPU);
  numbers.add({&kSingle}, f32({4}));
  EXPECT_TRUE(numbers.of_all(one_rank(), "scores").equal(f32({0, 0, 4, 0, 0, 0})));
}

TEST(EvaluatedPairs, HaveMarginsLengthsAndPrompts) {
  const auto pairs = evaluated_pairs(kSamples, f32({5, 6.5, 4, 1, 2, 3}));
  ASSERT_EQ(pairs.size(), 3U);
  const auto expect_pair = [](const EvaluatedPair& pair, double margin, std::int64_t length, double truth) {
    EXPECT_EQ(pair.margin, margin);
    EXPECT_EQ(pair.length, length);
    EXPECT_EQ(pair.truth, truth);
    EXPECT_EQ(pair.prompt, 0);
  };
  expect_pair(pairs[0], 1.5, 1, 0.75);
  expect_pair(pairs[1], -2, -2, 1);
  expect_pair(pairs[2], -1, -2, 1);
}

}  // namespace
}  // namespace rlhf
