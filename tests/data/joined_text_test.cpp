#include "data/joined_text.h"

#include <string>

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

JoinedText ended(const std::string& text, std::int32_t answer, const TokenIds& stop_ids) {
  JoinedText joined{.ids = ByteTokenizer().encode(text, Bos::none).ids, .answers = {{answer, 100}}};
  end_at_stop(joined, stop_ids, ByteTokenizer());
  return joined;
}

TEST(JoinedText, AConversationEndsAtTheTokenThatEndsItsAnswer) {
  const auto text = [](const JoinedText& joined) { return ByteTokenizer().decode(joined.ids); };
  EXPECT_EQ(text(ended("q:a;", 2, {';'})), "q:a;");
  EXPECT_EQ(text(ended("q:a;\n#", 2, {';', '#'})), "q:a;") << "as Phi-3 writes EOS behind its mark";
  EXPECT_EQ(text(ended("q:a;\n", 2, {';'})), "q:a;");
  EXPECT_EQ(text(ended("q:a;b;", 2, {';'})), "q:a;b;") << "a mark in the middle is part of the answer";
  EXPECT_EQ(text(ended(";;;", 1, {';'})), ";;") << "an empty answer keeps its own mark";
  EXPECT_EQ(text(ended("q:a ", 2, {';'})), "q:a ") << "nothing is cut where nothing ends it";
}

TEST(JoinedText, TellsWhetherAnAnswerEnds) {
  EXPECT_TRUE(ended("q:a;", 2, {';'}).stops);
  EXPECT_FALSE(ended("q:a;b", 2, {';'}).stops);
  EXPECT_FALSE(ended("q:a;", 2, {}).stops);
  EXPECT_TRUE(tokenise_joined("a", "b", ByteTokenizer()).stops);
  ByteTokenizer without_eos;
  without_eos.has_eos = false;
  EXPECT_FALSE(tokenise_joined("a", "b", without_eos).stops);
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
