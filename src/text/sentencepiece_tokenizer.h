#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/text/tokenizer.h"

#include "text/hf/added_vocabulary.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace rlhf {

/// A tokenizer of a SentencePiece model; the sentencepiece library handles white space and byte pieces. Control pieces
/// are recognised in a text only if it contains its own special tokens (Bos::none); otherwise "<s>" is three
/// characters. Tokens that the folder adds are always recognised. The folder may give a piece another name (InternLM 2:
/// "[UNUSED_TOKEN_145]" is "<|im_start|>"), which is then an added token.
class SentencePieceTokenizer : public Tokenizer {
 public:
  /// `model` is the tokenizer.model; `settings` come from the files next to it.
  SentencePieceTokenizer(const std::filesystem::path& model, const hf::Settings& settings,
                         std::vector<std::filesystem::path> files);
  ~SentencePieceTokenizer() override;

  Encoding encode(std::string_view text, Bos bos = Bos::by_setting) const override;
  std::string decode(const TokenIds& ids) const override;
  std::string piece(std::int32_t id) const override;
  bool has(std::int32_t id) const override { return id >= 0 && id < vocab_size(); }
  std::int64_t vocab_size() const override;
  std::optional<std::int32_t> bos_id() const override { return bos_; }
  std::optional<std::int32_t> eos_id() const override { return eos_; }
  std::optional<std::int32_t> unknown_id() const override { return unknown_; }
  std::optional<std::int32_t> pad_id() const override { return pad_; }
  std::vector<std::filesystem::path> files() const override { return files_; }

 private:
  using Processor = std::unique_ptr<sentencepiece::SentencePieceProcessor>;

  void add_tokens(const hf::Settings& settings, const std::filesystem::path& model);
  void check_id(std::int32_t id) const;
  const hf::AddedToken* added_token(std::int32_t id) const;  // if decoding treats it unlike a piece
  void encode_between(std::string_view text, bool is_first, Encoding& encoding) const;
  std::string decode_between(const std::vector<int>& ids, bool is_first) const;

  Processor first_;                      // for the start of a text
  Processor inner_;                      // the same model for text after a special token: adds no space before it
  hf::AddedTokenFinder added_tokens_;    // the tokens that the folder adds
  hf::AddedTokenFinder special_tokens_;  // these and the control pieces
  bool has_added_tokens_ = false;
  bool every_part_is_first_;  // whether text after an added token is treated like the start of a text
  std::map<std::int32_t, hf::AddedToken> inside_;  // pieces that decoding omits, or that have another name
  std::vector<hf::AddedToken> behind_;             // the added tokens whose ids are after the vocabulary
  std::optional<std::int32_t> bos_, eos_, unknown_, pad_;
  bool add_bos_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace rlhf
