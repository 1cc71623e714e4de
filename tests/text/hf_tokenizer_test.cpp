#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "text/tiny_tokenizer.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::TemporaryFolder;
using testing::tiny_tokenizer;
using testing::write_tokenizer;
using Ends = std::vector<std::int32_t>;

std::unique_ptr<Tokenizer> load(const json& document) {
  const TemporaryFolder folder;
  write_tokenizer(folder, document);
  return load_tokenizer(folder.path());
}

std::string golden(const char* kind) { return testing::source_dir() + "/golden/tokenizer/" + kind; }

// By hand: "_ab" is one piece by the merges "a b" and "_ ab"; a digit is cut off; "c" is unknown.
TEST(HfTokenizer, IdsAndEndsOfATinyOneAreThoseWorkedOutByHand) {
  const auto tokenizer = load(tiny_tokenizer());
  const Encoding encoding = tokenizer->encode("ab ab1cc");
  EXPECT_EQ(encoding.ids, (TokenIds{0, 6, 6, 7, 1}));
  EXPECT_EQ(encoding.ends, (Ends{0, 2, 5, 6, 8}));
  EXPECT_EQ(tokenizer->encode("").ids, TokenIds{0});
  EXPECT_EQ(tokenizer->vocab_size(), 9);
  EXPECT_EQ(tokenizer->piece(6), "_ab");
  EXPECT_EQ(tokenizer->piece(8), "<x>");
}

// The library `tokenizers` reads such keys over everywhere but at the top, in a pattern and in an item of a template.
// Command-R's post-processor has the keys of a ByteLevel step.
TEST(HfTokenizer, KeysThatTheLibraryIgnoresAreIgnored) {
  json document = tiny_tokenizer();
  for (const char* place :
       {"/added_tokens/0", "/added_tokens/1", "/normalizer", "/normalizer/normalizers/0", "/normalizer/normalizers/1",
        "/pre_tokenizer", "/pre_tokenizer/pretokenizers/0", "/pre_tokenizer/pretokenizers/1",
        "/pre_tokenizer/pretokenizers/2", "/post_processor", "/post_processor/single/0/SpecialToken",
        "/post_processor/single/1/Sequence", "/post_processor/special_tokens/<s>", "/decoder", "/decoder/decoders/0",
        "/decoder/decoders/1", "/decoder/decoders/2", "/decoder/decoders/3", "/model"}) {
    json& object = document.at(json::json_pointer(place));
    object["trim_offsets"] = false;
    object["colour"] = {{"a", {1}}};
  }
  const std::string text = "ab ab1cc<x> a";
  const auto tokenizer = load(document), plain = load(tiny_tokenizer());
  EXPECT_EQ(tokenizer->encode(text).ids, plain->encode(text).ids);
  EXPECT_EQ(tokenizer->decode({0, 6, 8, 6}), plain->decode({0, 6, 8, 6}));
}

TEST(HfTokenizer, WithoutBosNothingStandsInFront) {
  const auto tokenizer = load(tiny_tokenizer());
  EXPECT_EQ(tokenizer->encode("ab", Bos::none).ids, TokenIds{6});
  EXPECT_EQ(tokenizer->encode("", Bos::none).ids, TokenIds{});
  EXPECT_EQ(tokenizer->encode("<s>ab", Bos::none).ids, (TokenIds{0, 6}));
}

TEST(HfTokenizer, SpecialAndAddedTokensAreFoundInTheText) {
  const auto tokenizer = load(tiny_tokenizer());
  const Encoding encoding = tokenizer->encode("ab<x>ab<s>", Bos::none);
  EXPECT_EQ(encoding.ids, (TokenIds{6, 8, 6, 0})) << "the normalizer puts its sign in front of every stretch";
  EXPECT_EQ(encoding.ends, (Ends{2, 5, 7, 10}));
}

TEST(HfTokenizer, DecodingLeavesOutSpecialTokensAlone) {
  const auto tokenizer = load(tiny_tokenizer());
  EXPECT_EQ(tokenizer->decode({0, 6, 8, 6, 0}), "ab<x> ab");
  EXPECT_EQ(tokenizer->decode({}), "");
  EXPECT_EQ(tokenizer->decode({6, 9, 1 << 30}), "ab\uFFFD\uFFFD") << "ids past the vocabulary";
  EXPECT_THROW(tokenizer->decode({-1}), ModelError);
  EXPECT_THROW(tokenizer->piece(9), ModelError);
}

TEST(HfTokenizer, WithoutADecoderPiecesStandApart) {
  json document = tiny_tokenizer();
  document["decoder"] = nullptr;
  EXPECT_EQ(load(document)->decode({0, 6, 7}), "_ab 1");
}

TEST(HfTokenizer, FlagsOfAddedTokensSayWhatTheyTake) {
  json document = tiny_tokenizer();
  document["normalizer"] = document["pre_tokenizer"] = document["post_processor"] = nullptr;
  json& token = document["added_tokens"][1];
  token["lstrip"] = true;
  EXPECT_EQ(load(document)->encode("a \t<x>_").ids, (TokenIds{2, 8, 4}));
  token["rstrip"] = true;
  const Encoding encoding = load(document)->encode("a <x> \n<x>b");
  EXPECT_EQ(encoding.ids, (TokenIds{2, 8, 8, 3}));
  EXPECT_EQ(encoding.ends, (Ends{1, 7, 10, 11}));
  token["single_word"] = true;
  EXPECT_EQ(load(document)->encode("a<x>").ids, (TokenIds{2, 1})) << "three unknown characters are one token";
  EXPECT_EQ(load(document)->encode("_<x>").ids, (TokenIds{4, 1})) << "an underscore is part of a word";
  EXPECT_EQ(load(document)->encode("-<x>-").ids, (TokenIds{1, 8, 1}));
}

TEST(HfTokenizer, ACharacterOfManyTokensEndsAtTheLastOne) {
  const auto tokenizer = load_tokenizer(golden("gpt2"));
  const Encoding encoding = tokenizer->encode("a\U0001F9FFb");  // a character that training never saw
  ASSERT_GT(encoding.ids.size(), 3u);
  for (std::size_t i = 0; i + 2 < encoding.ends.size(); ++i) EXPECT_EQ(encoding.ends[i], 1);
  EXPECT_EQ(encoding.ends[encoding.ends.size() - 2], 5);
  EXPECT_EQ(encoding.ends.back(), 6);
  EXPECT_EQ(tokenizer->decode(encoding.ids), "a\U0001F9FFb");
}

TEST(HfTokenizer, TextThatIsNotUtf8IsReadAsReplacementCharacters) {
  const auto tokenizer = load_tokenizer(golden("llama3"));
  EXPECT_EQ(tokenizer->encode("a\xFFz\xE2\x82").ids, tokenizer->encode("a\uFFFDz\uFFFD").ids);
  EXPECT_EQ(tokenizer->encode("a\xFFz", Bos::none).ends.back(), 3);
}

TEST(HfTokenizer, EosAtTheEndIsLeftToTheCaller) {
  const TemporaryFolder folder;
  json document = tiny_tokenizer();
  document["post_processor"]["single"].push_back({{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}});
  write_tokenizer(folder, document);
  folder.write("tokenizer_config.json", R"({"eos_token": "<s>"})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, (TokenIds{0, 6}));
}

TEST(HfTokenizer, AMebibyteOfOneKindTakesNoMoreThanItsLength) {
  const char* const kinds[] = {"llama3", "qwen2", "gpt2", "llama2", "gemma", "unigram", "unigram_bytes", "parts_one"};
  for (const char* kind : kinds) {
    const auto tokenizer = load_tokenizer(golden(kind));
    for (const std::string part : {"a", " ", "\u0301", "\n", "A", "1", "日", "<", " \u0301"}) {
      std::string text;
      while (text.size() < 1 << 20) text += part;
      // A quadratic step would take hours, and CTest's limit would end it.
      const Encoding encoding = tokenizer->encode(text);
      EXPECT_LE(encoding.ids.size(), 3 * text.size()) << kind;
    }
  }
}

TEST(HfTokenizer, ThreadsThatShareOneGetTheSameIds) {
  const auto tokenizer = load_tokenizer(golden("llama3"));
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back("word" + std::to_string(i % 50) + " and SOMEthing else " + std::to_string(i));
  std::vector<TokenIds> expected;
  for (const std::string& text : texts) expected.push_back(tokenizer->encode(text).ids);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round)
        for (std::size_t i = 0; i < texts.size(); ++i) wrong[t] += tokenizer->encode(texts[i]).ids != expected[i];
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace rlhf
