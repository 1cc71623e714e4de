// Against the `tokenizers` library: tests/golden/tokenizer/SOURCE.md.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/text/tokenizer.h"

#include "support/file_bytes.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::file_bytes;

std::filesystem::path golden_folder() { return std::filesystem::path(testing::source_dir()) / "golden/tokenizer"; }

std::uint32_t fnv1a(std::string_view bytes) {
  std::uint32_t hash = 0x811C9DC5;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x01000193;
  return hash;
}

std::string little_endian(const TokenIds& ids) {
  std::string bytes;
  for (const std::int32_t id : ids)
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(id >> shift & 0xFF);
  return bytes;
}

class HfGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(HfGolden, IdsAndDecodedTextAreThoseOfTheLibrary) {
  const auto texts = json::parse(file_bytes(golden_folder() / "hard_texts.json")).get<std::vector<std::string>>();
  const json hashes = json::parse(file_bytes(golden_folder() / GetParam() / "hashes.json")).at("ids_and_text");
  const auto tokenizer = load_tokenizer(golden_folder() / GetParam());
  ASSERT_EQ(texts.size(), 2000u);
  ASSERT_EQ(hashes.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const TokenIds ids = tokenizer->encode(texts[i]).ids;
    EXPECT_EQ(fnv1a(little_endian(ids)), hashes[i][0].get<std::uint32_t>()) << i << ": " << json(texts[i]).dump();
    EXPECT_EQ(fnv1a(tokenizer->decode(ids)), hashes[i][1].get<std::uint32_t>()) << i << ": " << json(texts[i]).dump();
  }
}

TEST_P(HfGolden, EndsGrowInsideTheTextToItsSize) {
  const auto texts = json::parse(file_bytes(golden_folder() / "hard_texts.json")).get<std::vector<std::string>>();
  const auto tokenizer = load_tokenizer(golden_folder() / GetParam());
  for (const std::string& text : texts) {
    const Encoding encoding = tokenizer->encode(text, Bos::none);
    ASSERT_EQ(encoding.ends.size(), encoding.ids.size());
    std::int32_t before = 0;
    for (const std::int32_t end : encoding.ends) {
      EXPECT_LE(before, end);
      const auto at = static_cast<std::size_t>(end);
      EXPECT_TRUE(at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) << "inside a character";
      before = end;
    }
    if (!encoding.ends.empty()) {
      EXPECT_EQ(encoding.ends.back(), static_cast<std::int32_t>(text.size()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, HfGolden,
                         ::testing::Values("llama3", "qwen2", "gpt2", "roberta_like", "llama2", "gemma", "unigram",
                                           "unigram_bytes", "parts_one", "parts_two", "parts_three"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace rlhf
