#include <gtest/gtest.h>

#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
constexpr std::int32_t kBos = ByteTokenizer::kBos, kEos = ByteTokenizer::kEos;

TEST(ShowSample, BracketsStandAroundTheTrainedTokens) {
  const Sample sample{{kBos, 'a', '=', ' ', 'b', kEos}, {{3, 6}}};
  EXPECT_EQ(show_sample(sample, ByteTokenizer(), false), "<s>a=⟦ b</s>⟧");
}

TEST(ShowSample, EverySpanIsMarkedAndTheRestIsNot) {
  const Sample sample{{'a', 'b', 'c', 'd', 'e'}, {{1, 2}, {3, 4}}};
  EXPECT_EQ(show_sample(sample, ByteTokenizer(), false), "a⟦b⟧c⟦d⟧e");
}

TEST(ShowSample, SpacesAtTheSeamSurviveATokenizerThatDropsLeadingOnes) {
  ByteTokenizer tokenizer;
  tokenizer.drop_leading_space = true;
  const Sample sample{{kBos, ' ', 'a', ' ', 'b'}, {{3, 5}}};
  EXPECT_EQ(show_sample(sample, tokenizer, false), "<s>a⟦ b⟧");
}

TEST(ShowSample, ColourReplacesTheBrackets) {
  const Sample sample{{'a', 'b'}, {{1, 2}}};
  EXPECT_EQ(show_sample(sample, ByteTokenizer(), true), "a\033[32mb\033[0m");
}

}  // namespace
}  // namespace rlhf
