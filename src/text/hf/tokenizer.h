#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/text/tokenizer.h"

#include "text/hf/added_tokens.h"
#include "text/hf/added_vocabulary.h"
#include "text/hf/decoder.h"
#include "text/hf/normalizer.h"
#include "text/hf/post_processor.h"
#include "text/hf/pre_tokenizer.h"
#include "text/hf/word_model.h"

namespace rlhf::hf {

/// Ids of the special tokens, if the tokenizer has them.
struct SpecialIds {
  std::optional<std::int32_t> bos, eos, unknown, pad;
};

/// The parts of a tokenizer, named as in the `tokenizers` library.
struct Parts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<WordModel> model;
  std::optional<Decoder> decoder;  ///< if absent, decoding joins the pieces with spaces
  std::map<std::int32_t, AddedToken> added;
  TokenIds front;  ///< the ids that the post-processor adds before a text
  SpecialIds special;
  std::vector<std::filesystem::path> files;
};

/// A tokenizer of a Hugging Face folder.
class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(Parts parts);

  Encoding encode(std::string_view text, Bos bos = Bos::by_setting) const override;
  std::string decode(const TokenIds& ids) const override;
  std::string piece(std::int32_t id) const override;
  bool has(std::int32_t id) const override;
  std::int64_t vocab_size() const override { return static_cast<std::int64_t>(pieces_.size()); }
  std::optional<std::int32_t> bos_id() const override { return parts_.special.bos; }
  std::optional<std::int32_t> eos_id() const override { return parts_.special.eos; }
  std::optional<std::int32_t> unknown_id() const override { return parts_.special.unknown; }
  std::optional<std::int32_t> pad_id() const override { return parts_.special.pad; }
  std::vector<std::filesystem::path> files() const override { return parts_.files; }

 private:
  struct Entry {
    bool is_there = false;   // false for gaps in the ids
    bool is_hidden = false;  // omitted by decoding
    std::string piece;
    std::optional<std::string> normalized;  // for added tokens: the text with which decoding starts
  };

  void add_entry(std::int32_t id, const AddedToken& token);
  Entry& entry(std::int32_t id);
  void normalize(Pieces& pieces) const;
  Pieces pieces_of(std::string_view text) const;

  Parts parts_;
  AddedTokenFinder raw_tokens_;         // searched in the original text
  AddedTokenFinder normalized_tokens_;  // searched in the normalised text
  std::vector<Entry> pieces_;           // by id
};

}  // namespace rlhf::hf
