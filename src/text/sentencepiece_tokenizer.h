#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace rlhf {

/// A SentencePiece model. White space and byte pieces are its own business; special tokens are never read from text:
/// "<s>" in a text is three characters.
class SentencePieceTokenizer : public Tokenizer {
 public:
  /// `model` is the tokenizer.model; `add_bos` puts BOS in front where the model has one.
  SentencePieceTokenizer(const std::filesystem::path& model, bool add_bos, std::vector<std::filesystem::path> files);
  ~SentencePieceTokenizer() override;

  Encoding encode(std::string_view text) const override;
  std::string decode(const TokenIds& ids) const override;
  std::string piece(std::int32_t id) const override;
  std::int64_t vocab_size() const override;
  std::optional<std::int32_t> bos_id() const override;
  std::optional<std::int32_t> eos_id() const override;
  std::optional<std::int32_t> unknown_id() const override;
  std::optional<std::int32_t> pad_id() const override;
  std::vector<std::filesystem::path> files() const override { return files_; }

 private:
  void check_id(std::int32_t id) const;

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  bool add_bos_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace rlhf
