#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/file_bytes.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::file_bytes;
using testing::TemporaryFolder;

std::vector<std::string> corpus() {
  std::vector<std::string> lines;
  for (int a = 0; a < 40; ++a)
    lines.push_back("What is " + std::to_string(a) + " plus " + std::to_string(a * 7 % 50) + "?\nI think it is " +
                    std::to_string(a + a * 7 % 50) + ".  Yes, the sum is right.");
  return lines;
}

TokenizerTraining settings(std::int64_t vocab_size) {
  TokenizerTraining training;
  training.vocab_size = vocab_size;
  return training;
}

const std::vector<std::string> kTexts = {
    "What is 12 plus 30?",
    " leading",
    "trailing ",
    "  two  spaces  ",
    "\n\nlines\n",
    "\ttab",
    "never seen: Ünïcödé 日本 😀",
    "1234567890",
    "",
    " ",
    "<s>",
    "a\r\nb",
    std::string(500, 'x'),
};

TEST(TrainTokenizer, SpecialIdsAreUnknownBosEosAndNoPad) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 320);
  EXPECT_EQ(tokenizer->unknown_id(), 0);
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_EQ(tokenizer->pad_id(), std::nullopt);
  EXPECT_EQ(tokenizer->piece(1), "<s>");
  EXPECT_EQ(tokenizer->piece(3), "<0x00>");
  EXPECT_EQ(tokenizer->piece(258), "<0xFF>");
}

TEST(TrainTokenizer, EveryTextComesBackByteForByte) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  for (const std::string& text : kTexts) EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).ids), text);
}

TEST(TrainTokenizer, EndsGrowToTheSizeOfTheTextAndCutItIntoPieces) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  for (const std::string& text : kTexts) {
    const Encoding encoding = tokenizer->encode(text);
    ASSERT_EQ(encoding.ends.size(), encoding.ids.size());
    EXPECT_EQ(encoding.ids.front(), 1);
    EXPECT_EQ(encoding.ends.front(), 0);
    EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end()));
    EXPECT_EQ(encoding.ends.back(), static_cast<std::int32_t>(text.size()));
  }
}

TEST(TrainTokenizer, ACharacterOfManyBytePiecesEndsAtTheLastOne) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const Encoding encoding = load_tokenizer(folder.path())->encode("a😀");  // U+1F600 is F0 9F 98 80
  EXPECT_EQ(encoding.ids, (TokenIds{1, encoding.ids[1], 3 + 0xF0, 3 + 0x9F, 3 + 0x98, 3 + 0x80}));
  EXPECT_EQ(encoding.ends, (std::vector<std::int32_t>{0, 1, 1, 1, 1, 5}));
}

TEST(TrainTokenizer, DigitsAreSplit) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("1234").ids.size(), 5u);  // BOS and four digits
}

TEST(TrainTokenizer, SameLinesGiveTheSameFile) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(300), folder / "a");
  train_tokenizer(corpus(), settings(300), folder / "b");
  EXPECT_EQ(file_bytes(folder / "a/tokenizer.model"), file_bytes(folder / "b/tokenizer.model"));
}

TEST(TrainTokenizer, LinesOverTheLibrarysDefaultLengthStillCount) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "qz vw ";
  train_tokenizer({text}, settings(265), folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->vocab_size(), 265);
}

TEST(TrainTokenizer, ConfigFileMakesTransformersAgree) {
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto config = nlohmann::json::parse(file_bytes(folder / "tokenizer_config.json"));
  EXPECT_EQ(config["tokenizer_class"], "LlamaTokenizer");
  EXPECT_EQ(config["add_bos_token"], true);
  EXPECT_EQ(config["add_prefix_space"], false);
}

TEST(TrainTokenizer, TransformersGivesTheSameIdsAndText) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python that has transformers and sentencepiece";
  const TemporaryFolder folder;
  train_tokenizer(corpus(), settings(320), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  std::vector<std::string> texts = corpus();
  texts.insert(texts.end(), kTexts.begin(), kTexts.end());
  std::erase(texts, "<s>");  // transformers reads special tokens out of plain text; we never do
  folder.write("texts.json", nlohmann::json(texts).dump());
  const std::string script = testing::source_dir() + "/text/print_ids.py";
  const std::string out = folder / "out.json";
  const std::string arguments = " " + folder.path().string() + " " + (folder / "texts.json").string() + " > " + out;
  ASSERT_EQ(std::system((std::string(python) + " " + script + arguments).c_str()), 0);
  const auto theirs = nlohmann::json::parse(file_bytes(out));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer->encode(texts[i]).ids, theirs[i]["ids"].get<TokenIds>()) << texts[i];
    EXPECT_EQ(theirs[i]["decoded"].get<std::string>(), texts[i]);
  }
}

TEST(TrainTokenizer, TooLittleTextIsADataErrorThatNamesTheLargestVocabulary) {
  const TemporaryFolder folder;
  try {
    train_tokenizer({"hello world"}, settings(5000), folder / "out");
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("expected text for 5000 pieces, found 1 lines"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("Vocabulary size too high (5000)"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "out")) << "nothing half-written";
}

TEST(TrainTokenizer, NoTextIsADataError) {
  const TemporaryFolder folder;
  EXPECT_THROW(train_tokenizer({}, settings(300), folder / "out"), DataError);
  EXPECT_THROW(train_tokenizer({"", ""}, settings(300), folder / "out"), DataError);
}

}  // namespace
}  // namespace rlhf
