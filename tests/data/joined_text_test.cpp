#include "data/joined_text.h"

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
constexpr std::int32_t kBos = ByteTokenizer::kBos, kEos = ByteTokenizer::kEos, kMerge = ByteTokenizer::kFirstMerge;

TEST(JoinedText, SeamLiesAfterThePromptsTokens) {
  const JoinedText text = tokenise_joined("ab", "cd", ByteTokenizer());
  EXPECT_EQ(text.ids, (TokenIds{kBos, 'a', 'b', 'c', 'd', kEos}));
  EXPECT_EQ(text.prompt_length, 3);
  EXPECT_FALSE(text.straddles);
}

TEST(JoinedText, StraddlingTokenBelongsToTheCompletion) {
  ByteTokenizer tokenizer;
  tokenizer.merges = {"bc"};
  const JoinedText text = tokenise_joined("ab", "cd", tokenizer);
  EXPECT_EQ(text.ids, (TokenIds{kBos, 'a', kMerge, 'd', kEos}));
  EXPECT_EQ(text.prompt_length, 2);
  EXPECT_TRUE(text.straddles);
}

TEST(JoinedText, TokenThatEndsOrBeginsAtTheSeamDoesNotStraddle) {
  ByteTokenizer tokenizer;
  tokenizer.merges = {"ab", "cd"};
  const JoinedText text = tokenise_joined("ab", "cd", tokenizer);
  EXPECT_EQ(text.ids, (TokenIds{kBos, kMerge, kMerge + 1, kEos}));
  EXPECT_EQ(text.prompt_length, 2);
  EXPECT_FALSE(text.straddles);
}

TEST(JoinedText, BosBelongsToAnEmptyPrompt) {
  const JoinedText text = tokenise_joined("", "c", ByteTokenizer());
  EXPECT_EQ(text.ids, (TokenIds{kBos, 'c', kEos}));
  EXPECT_EQ(text.prompt_length, 1);
  EXPECT_FALSE(text.straddles);
}

TEST(JoinedText, TokenizerWithoutBosAndEosAddsNothing) {
  ByteTokenizer tokenizer;
  tokenizer.add_bos = tokenizer.has_eos = false;
  const JoinedText text = tokenise_joined("a", "", tokenizer);
  EXPECT_EQ(text.ids, (TokenIds{'a'}));
  EXPECT_FALSE(text.has_completion());
}

TEST(JoinedText, CutTextHasNoEos) {
  JoinedText text = tokenise_joined("a", "bcd", ByteTokenizer());  // BOS a b c d EOS
  truncate(text, 6);
  EXPECT_FALSE(text.truncated);
  EXPECT_EQ(text.ids.back(), kEos);
  truncate(text, 5);
  EXPECT_TRUE(text.truncated);
  EXPECT_EQ(text.ids, (TokenIds{kBos, 'a', 'b', 'c', 'd'}));
  truncate(text, 2);
  EXPECT_FALSE(text.has_completion());
}

}  // namespace
}  // namespace rlhf
