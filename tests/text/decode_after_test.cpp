#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/text/tokenizer.h"

#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "text/tiny_tokenizer.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

// The ids of `prompt` and `response` are those of the whole text, cut between two tokens.
void expect_parts(const Tokenizer& tokenizer, const std::string& whole) {
  const TokenIds ids = tokenizer.encode(whole).ids;
  for (std::size_t cut = 0; cut <= ids.size(); ++cut) {
    const TokenIds prompt(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut));
    const TokenIds response(ids.begin() + static_cast<std::ptrdiff_t>(cut), ids.end());
    const std::string before = tokenizer.decode(prompt), after = decode_after(tokenizer, prompt, response);
    if (before.ends_with("\uFFFD")) continue;  // within a character
    EXPECT_EQ(before + after, tokenizer.decode(ids)) << cut << " of " << whole;
  }
}

TEST(DecodeAfter, PromptAndResponseGiveTheTextOfAllTokens) {
  for (const char* kind : {"llama2", "gemma", "gpt2", "llama3", "unigram", "unigram_bytes", "parts_one", "parts_two"}) {
    SCOPED_TRACE(kind);
    const auto tokenizer = load_tokenizer(testing::source_dir() + "/golden/tokenizer/" + kind);
    for (const char* text :
         {"the license of this work", "  two  spaces", "a\n b\n", "na\u00EFve \u4F60\u597D \U0001F9FF x", ""})
      expect_parts(*tokenizer, text);
  }
}

// "_ab" after "_ab" is " ab"; at the start of a text the decoder drops the space.
TEST(DecodeAfter, TheSpaceBeforeAResponseIsPartOfIt) {
  const TemporaryFolder folder;
  testing::write_tokenizer(folder, testing::tiny_tokenizer());
  const auto tokenizer = load_tokenizer(folder.path());
  const TokenIds response = {6, 6};
  EXPECT_EQ(decode_after(*tokenizer, TokenIds{0, 6}, response), " ab ab");
  EXPECT_EQ(decode_after(*tokenizer, TokenIds{0}, response), "ab ab") << "only BOS is before it";
  EXPECT_EQ(decode_after(*tokenizer, TokenIds{}, response), "ab ab");
  EXPECT_EQ(decode_after(*tokenizer, TokenIds{0, 6}, {}), "");
  TokenIds long_prompt(40, 0);  // its only text is far before the end
  long_prompt[1] = 6;
  EXPECT_EQ(decode_after(*tokenizer, long_prompt, response), " ab ab");
}

TEST(DecodeAfter, ASentencePieceResponseKeepsItsSpace) {
  const TemporaryFolder folder;
  TokenizerTraining settings;
  settings.vocab_size = 262;
  train_tokenizer({"ab ab ab"}, settings, folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  expect_parts(*tokenizer, "ab ab  ab\n ab");
}

TEST(DecodeAfter, BytesThatDoNotContinueAPromptLeaveItsTextAlone) {
  const auto tokenizer = load_tokenizer(testing::source_dir() + "/golden/tokenizer/llama2");
  const TokenIds prompt = tokenizer->encode("a\U0001F9FF").ids;  // ends in four byte pieces
  TokenIds broken;
  for (std::int32_t id = 0; id < tokenizer->vocab_size(); ++id)
    if (tokenizer->has(id) && tokenizer->piece(id) == "<0x80>") broken = {id};
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(decode_after(*tokenizer, prompt, broken), "\uFFFD");
}

}  // namespace
}  // namespace rlhf
