#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
constexpr std::int32_t kBos = ByteTokenizer::kBos, kEos = ByteTokenizer::kEos, kMerge = ByteTokenizer::kFirstMerge;

SampleSet<PairSample> make(const std::vector<Preference>& records, std::int64_t max_length, OverLength over_length,
                           const ByteTokenizer& tokenizer = {}) {
  DataOptions data;
  data.max_length = max_length;
  data.over_length = over_length;
  return make_pairs(records, tokenizer, {PromptTemplate("{prompt}={completion}")}, data);
}

TEST(Pairs, BothSidesCarryPromptAnswerAndEos) {
  const auto set = make({{"a", "b", "cd", 0.5}}, 16, OverLength::drop);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].chosen, (TokenIds{kBos, 'a', '=', 'b', kEos}));
  EXPECT_EQ(set.samples[0].rejected, (TokenIds{kBos, 'a', '=', 'c', 'd', kEos}));
  EXPECT_EQ(set.samples[0].prompt_length, 3);
  EXPECT_EQ(set.samples[0].margin, 0.5f);
  EXPECT_EQ(set.report.tokens, 11);
  EXPECT_EQ(set.report.longest, 6);
}

TEST(Pairs, PromptIsWhatBothTokenisationsShare) {
  // "=b" is one token, so the chosen side has two ids before the seam and the rejected side three: they share BOS, a.
  ByteTokenizer tokenizer;
  tokenizer.merges = {"=b"};
  const auto straddling = make({{"a", "b", "c"}}, 16, OverLength::drop, tokenizer);
  EXPECT_EQ(straddling.samples.at(0).chosen, (TokenIds{kBos, 'a', kMerge, kEos}));
  EXPECT_EQ(straddling.samples.at(0).prompt_length, 2);
  EXPECT_EQ(straddling.report.straddling, 1);

  // Chosen splits into BOS, x, y=b and rejected into BOS, xy, =, c: the answer changed what stands before the seam.
  tokenizer.merges = {"y=b", "xy"};
  const auto earlier = make({{"xy", "b", "c"}}, 16, OverLength::drop, tokenizer);
  EXPECT_EQ(earlier.samples.at(0).chosen, (TokenIds{kBos, 'x', kMerge, kEos}));
  EXPECT_EQ(earlier.samples.at(0).rejected, (TokenIds{kBos, kMerge + 1, '=', 'c', kEos}));
  EXPECT_EQ(earlier.samples.at(0).prompt_length, 1);
}

TEST(Pairs, EqualPairsAreDroppedAndCounted) {
  const auto set = make({{"a", "b", "b"}, {"a", "b", "c"}}, 16, OverLength::drop);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_equal, 1);
}

TEST(Pairs, PairsThatBecomeEqualByTruncationAreDropped) {
  const auto set = make({{"a", "bcX", "bcY"}, {"a", "bXX", "bYY"}}, 5, OverLength::truncate);  // BOS a = + 2 tokens
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].rejected, (TokenIds{kBos, 'a', '=', 'b', 'Y'}));
  EXPECT_EQ(set.report.dropped_equal, 1);
  EXPECT_EQ(set.report.truncated, 1);
}

TEST(Pairs, PairWithOneOverLongSideIsDropped) {
  const auto set = make({{"a", "b", "cdef"}, {"a", "cdef", "b"}, {"a", "b", "c"}}, 5, OverLength::drop);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_over_length, 2);
}

TEST(Pairs, PromptThatFillsMaxLengthIsDropped) {
  const auto set = make({{"abc", "d", "e"}, {"a", "b", "c"}}, 5, OverLength::truncate);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_without_label, 1);
}

TEST(Pairs, NothingLeftIsADataError) { EXPECT_THROW(make({{"a", "b", "b"}}, 16, OverLength::drop), DataError); }

}  // namespace
}  // namespace rlhf
