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

/// A pair of answers to `prompt`.
Preference pair(const std::string& prompt, const std::string& chosen, const std::string& rejected, float margin = 0) {
  return {prompt, {{chosen}, {rejected}}, {{.margin = margin}}};
}

SampleSet<RankedSample> make(const std::vector<Preference>& records, std::int64_t max_length, OverLength over_length,
                             const ByteTokenizer& tokenizer = {}) {
  DataOptions data;
  data.max_length = max_length;
  data.over_length = over_length;
  return make_ranked(records, tokenizer, {PromptTemplate("{prompt}={completion}")}, data);
}

TEST(Ranked, BothSidesCarryPromptAnswerAndEos) {
  const auto set = make({pair("a", "b", "cd", 0.5F)}, 16, OverLength::drop);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].texts[0], (TokenIds{kBos, 'a', '=', 'b', kEos}));
  EXPECT_EQ(set.samples[0].texts[1], (TokenIds{kBos, 'a', '=', 'c', 'd', kEos}));
  EXPECT_EQ(set.samples[0].prompt_length, 3);
  EXPECT_EQ(set.samples[0].pairs[0].margin, 0.5f);
  EXPECT_EQ(set.report.tokens, 11);
  EXPECT_EQ(set.report.longest, 6);
}

TEST(Ranked, ASingleCompletionHasOneText) {
  const Preference good{.prompt = "a", .answers = {{"b"}}, .desirable = true};
  Preference bad = good, longer = good;
  bad.desirable = false;
  longer.answers = {{"bcdefghijklmno"}};
  const auto set = make({good, bad, longer, good}, 8, OverLength::drop);
  ASSERT_EQ(set.samples.size(), 3u);
  EXPECT_EQ(set.samples[0].texts, (std::vector<TokenIds>{{kBos, 'a', '=', 'b', kEos}}));
  EXPECT_EQ(set.samples[0].prompt_length, 3);
  EXPECT_EQ(set.samples[0].desirable, 1.0F);
  EXPECT_EQ(set.samples[1].desirable, 0.0F);
  EXPECT_TRUE(set.samples[0].pairs.empty());
  EXPECT_EQ(set.report.dropped_over_length, 1);
  EXPECT_EQ(set.report.duplicates, 1) << "another label is another sample";
  EXPECT_THROW(make({{.prompt = "a", .answers = {{"b"}, {"c"}}, .desirable = true}}, 8, OverLength::drop),
               ArgumentError);
}

TEST(Ranked, PromptIsWhatBothTokenisationsShare) {
  // "=b" is one token, so the chosen side has two ids before the seam and the rejected side three: they share BOS, a.
  ByteTokenizer tokenizer;
  tokenizer.merges = {"=b"};
  const auto straddling = make({pair("a", "b", "c")}, 16, OverLength::drop, tokenizer);
  EXPECT_EQ(straddling.samples.at(0).texts[0], (TokenIds{kBos, 'a', kMerge, kEos}));
  EXPECT_EQ(straddling.samples.at(0).prompt_length, 2);
  EXPECT_EQ(straddling.report.straddling, 1);

  // Chosen splits into BOS, x, y=b and rejected into BOS, xy, =, c: the answer changed what stands before the seam.
  tokenizer.merges = {"y=b", "xy"};
  const auto earlier = make({pair("xy", "b", "c")}, 16, OverLength::drop, tokenizer);
  EXPECT_EQ(earlier.samples.at(0).texts[0], (TokenIds{kBos, 'x', kMerge, kEos}));
  EXPECT_EQ(earlier.samples.at(0).texts[1], (TokenIds{kBos, kMerge + 1, '=', 'c', kEos}));
  EXPECT_EQ(earlier.samples.at(0).prompt_length, 1);
}

TEST(Ranked, EqualPairsAreDroppedAndCounted) {
  const auto set = make({pair("a", "b", "b"), pair("a", "b", "c")}, 16, OverLength::drop);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_equal, 1);
}

TEST(Ranked, PairsThatBecomeEqualByTruncationAreDropped) {
  const auto set =
      make({pair("a", "bcX", "bcY"), pair("a", "bXX", "bYY")}, 5, OverLength::truncate);  // BOS a = + 2 tokens
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].texts[1], (TokenIds{kBos, 'a', '=', 'b', 'Y'}));
  EXPECT_EQ(set.report.dropped_equal, 1);
  EXPECT_EQ(set.report.truncated, 1);
}

TEST(Ranked, PairWithOneOverLongSideIsDropped) {
  const auto set = make({pair("a", "b", "cdef"), pair("a", "cdef", "b"), pair("a", "b", "c")}, 5, OverLength::drop);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_over_length, 2);
}

TEST(Ranked, PromptThatFillsMaxLengthIsDropped) {
  const auto set = make({pair("abc", "d", "e"), pair("a", "b", "c")}, 5, OverLength::truncate);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_without_label, 1);
}

/// Of the answers to "a" in this order, the pairs as "better>worse" by what stands behind the "=".
std::vector<std::string> pairs_of(const RankedSample& sample) {
  const auto answer = [&](std::int32_t index) {
    return ByteTokenizer().decode(sample.texts.at(static_cast<std::size_t>(index))).substr(2);
  };
  std::vector<std::string> pairs;
  for (const RankedPair& pair : sample.pairs) pairs.push_back(answer(pair.chosen) + ">" + answer(pair.rejected));
  return pairs;
}

const Preference kRanking{"a", {{"x"}, {"yy"}, {"zzz"}}, {{0, 1}, {2, 0}, {2, 1}}};

TEST(Ranked, ARankingIsOneSampleWithAllItsPairs) {
  const auto set = make({kRanking}, 16, OverLength::drop);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].texts.size(), 3u);
  EXPECT_EQ(pairs_of(set.samples[0]), (std::vector<std::string>{"x>yy", "zzz>x", "zzz>yy"}));
  EXPECT_EQ(set.samples[0].prompt_length, 3);
  EXPECT_EQ(set.report.tokens, 5 + 6 + 7);
}

TEST(Ranked, AnAnswerThatIsTooLongTakesItsPairsAlone) {
  const auto set = make({kRanking}, 6, OverLength::drop);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].texts.size(), 2u);
  EXPECT_EQ(pairs_of(set.samples[0]), (std::vector<std::string>{"x>yy"}));
  EXPECT_EQ(set.report.answers_left_out, 1);
  EXPECT_EQ(set.report.dropped_over_length, 0);
  EXPECT_EQ(make({kRanking, pair("a", "b", "c")}, 5, OverLength::drop).report.dropped_over_length, 1)
      << "one answer alone is no pair";
}

TEST(Ranked, OfAnswersThatBecomeEqualTheFirstStands) {
  const Preference record{"a", {{"x"}, {"yX"}, {"yY"}}, {{1, 0}, {0, 2}, {1, 2}}};
  const auto set = make({record}, 4, OverLength::truncate);  // BOS a = + 1 token
  EXPECT_EQ(pairs_of(set.samples.at(0)), (std::vector<std::string>{"y>x"})) << "and not x>y as well";
  EXPECT_EQ(set.report.truncated, 1);
  EXPECT_EQ(set.report.answers_left_out, 1);
}

TEST(Ranked, ARankingWithoutAPreferenceIsDropped) {
  const auto set = make({{"a", {{"x"}, {"y"}}, {}}, kRanking}, 16, OverLength::drop);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_equal, 1);
}

TEST(Ranked, NothingLeftIsADataError) { EXPECT_THROW(make({pair("a", "b", "b")}, 16, OverLength::drop), DataError); }

}  // namespace
}  // namespace rlhf
