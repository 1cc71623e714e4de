// Against the Python package: tests/golden/tokenizer/SOURCE.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/text/tokenizer.h"

#include "support/base64.h"
#include "support/shared_data.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kLlama = "tokenizers/llama2/tokenizer.model";
constexpr const char* kStories = "models/stories260k/tokenizer.model";

json golden(const std::string& model) {
  std::ifstream file(fs::path(testing::source_dir()) / "golden/tokenizer/sentencepiece.json");
  return json::parse(file).at("models").at(model);
}

class SentencePieceGolden : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const fs::path model = testing::shared_data() / GetParam();
    if (!fs::exists(model)) GTEST_SKIP() << "no " << model << "; set RLHF_SHARED_DATA to the folder that has it";
    tokenizer_ = load_tokenizer(model);
  }
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(SentencePieceGolden, IdsAndByteEndsAreThoseOfThePythonPackage) {
  for (const json& entry : golden(GetParam())) {
    if (!entry.contains("text")) continue;
    const auto text = entry["text"].get<std::string>();
    const Encoding encoding = tokenizer_->encode(text);
    auto ids = entry["ids"].get<TokenIds>();
    auto ends = entry["ends"].get<std::vector<std::int32_t>>();
    if (!ends.empty())
      ends.back() = static_cast<std::int32_t>(text.size());  // the package leaves out dropped white space
    ids.insert(ids.begin(), 1);                              // BOS covers nothing
    ends.insert(ends.begin(), 0);
    EXPECT_EQ(encoding.ids, ids) << entry["text"];
    EXPECT_EQ(encoding.ends, ends) << entry["text"];
  }
}

TEST_P(SentencePieceGolden, DecodedTextIsThatOfThePythonPackage) {
  for (const json& entry : golden(GetParam())) {
    if (!entry.contains("text")) continue;
    auto ids = entry["ids"].get<TokenIds>();
    EXPECT_EQ(tokenizer_->decode(ids), entry["decoded"].get<std::string>());
    ids.insert(ids.begin(), 1);
    ids.push_back(2);
    EXPECT_EQ(tokenizer_->decode(ids), entry["decoded"].get<std::string>()) << "BOS and EOS must leave no trace";
  }
}

TEST_P(SentencePieceGolden, BytesThatAreNotUtf8GiveThePackagesIds) {
  for (const json& entry : golden(GetParam())) {
    if (!entry.contains("base64")) continue;
    const std::string text = testing::from_base64(entry["base64"]);
    const Encoding encoding = tokenizer_->encode(text);
    EXPECT_EQ(TokenIds(encoding.ids.begin() + 1, encoding.ids.end()), entry["ids"].get<TokenIds>()) << entry["base64"];
    EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end()));
    EXPECT_EQ(encoding.ends.back(), static_cast<std::int32_t>(text.size()));
  }
}

// A response is what stands after its prompt, with the space before its first word.
TEST_P(SentencePieceGolden, PromptAndResponseHaveTheIdsOfBoth) {
  const TokenIds prompt = tokenizer_->encode("Once").ids, whole = tokenizer_->encode("Once upon a time").ids;
  ASSERT_TRUE(std::equal(prompt.begin(), prompt.end(), whole.begin()));
  const TokenIds response(whole.begin() + static_cast<std::ptrdiff_t>(prompt.size()), whole.end());
  EXPECT_EQ(decode_after(*tokenizer_, prompt, response), " upon a time");
  EXPECT_EQ(decode_after(*tokenizer_, TokenIds{1}, whole), "Once upon a time") << "only BOS is before it";
}

INSTANTIATE_TEST_SUITE_P(Models, SentencePieceGolden, ::testing::Values(kLlama, kStories),
                         [](const auto& model) { return model.param == kLlama ? "Llama2" : "Stories260k"; });

// Splits of the same score: tests/golden/tokenizer/SOURCE.md says which versions of the library choose these.
TEST(SentencePieceTies, AreBrokenAsByTheLinkedVersion) {
  std::ifstream file(fs::path(testing::source_dir()) / "golden/tokenizer/unigram_ties.json");
  const json ties = json::parse(file);
  const testing::TemporaryFolder folder;
  folder.write("tokenizer.model", testing::from_base64(ties["model"]));
  folder.write("tokenizer_config.json", R"({"add_bos_token": false})");
  const auto tokenizer = load_tokenizer(folder.path());
  ASSERT_EQ(ties["texts"].size(), 300u);
  for (std::size_t i = 0; i < ties["texts"].size(); ++i)
    EXPECT_EQ(tokenizer->encode(ties["texts"][i].get<std::string>()).ids, ties["ids"][i].get<TokenIds>());
}

TEST(SentencePieceGoldenData, HasBothModels) {
  EXPECT_EQ(golden(kLlama).size(), 100u);
  EXPECT_EQ(golden(kStories).size(), 100u);
}

}  // namespace
}  // namespace rlhf
