// Which token a saved reward model is padded with.
#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"
#include "train/changed_tokenizer.h"

namespace rlhf {
namespace {

/// A tokenizer of bytes in which some ids are special tokens.
class WithSpecial : public testing::ByteTokenizer {
 public:
  std::map<std::int32_t, std::string> special;
  std::optional<std::int32_t> pad, unknown;

  std::string decode(const TokenIds& ids) const override {
    return special.contains(ids.front()) ? "" : ByteTokenizer::decode(ids);
  }
  std::string piece(std::int32_t id) const override {
    const auto found = special.find(id);
    return found == special.end() ? ByteTokenizer::piece(id) : found->second;
  }
  std::optional<std::int32_t> unknown_id() const override { return unknown; }
  std::optional<std::int32_t> pad_id() const override { return pad; }
};

constexpr std::int32_t kEos = testing::ByteTokenizer::kEos, kBos = testing::ByteTokenizer::kBos;

TEST(PaddingId, IsTheTokenizersOwnUnlessThatEndsResponses) {
  WithSpecial tokenizer;
  tokenizer.special = {{10, "<|vision_pad|>"}, {5, "<|endoftext|>"}};
  tokenizer.pad = 5;
  EXPECT_EQ(padding_id(tokenizer, {kEos}), 5);
  EXPECT_EQ(padding_id(tokenizer, {kEos, 5}), 10) << "as Qwen's instruct models, which stop at their pad token too";
}

TEST(PaddingId, IsOtherwiseTheMostUnusedSpecialToken) {
  WithSpecial tokenizer;
  tokenizer.special = {{9, "<|im_start|>"}, {10, "<PAD>"}, {12, "<|reserved_special_token_0|>"}, {13, "<unk>"}};
  tokenizer.unknown = 13;
  EXPECT_EQ(padding_id(tokenizer, {kEos}), 10);
  EXPECT_EQ(padding_id(tokenizer, {kEos, 10}), 13);
  EXPECT_EQ(padding_id(tokenizer, {kEos, 10, 13}), 12);
  EXPECT_EQ(padding_id(tokenizer, {kEos, 10, 12, 13}), kBos);
  EXPECT_EQ(padding_id(tokenizer, {kEos, kBos, 10, 12, 13}), 9);
}

TEST(PaddingId, IsAnEntryThatNoTextWritesLikeItsNameWithoutAnySpecialToken) {
  WithSpecial tokenizer;
  EXPECT_EQ(padding_id(tokenizer, {kEos, kBos}), 255) << "all entries are written like their text: the last";
  tokenizer.merges = {" a", "bc"};
  tokenizer.drop_leading_space = true;
  EXPECT_EQ(padding_id(tokenizer, {kEos, kBos}), testing::ByteTokenizer::kFirstMerge);
}

}  // namespace
}  // namespace rlhf
