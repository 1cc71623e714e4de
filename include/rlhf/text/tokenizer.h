#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/core/types.h"

namespace rlhf {

/// Token ids of a text, and where each token ends in it: token i covers bytes [ends[i-1], ends[i]) (BOS covers none).
struct Encoding {
  TokenIds ids;
  std::vector<std::int32_t> ends;  ///< byte offsets into the text, non-decreasing, same length as ids
};

/// What stands in front of the ids of a text.
enum class Bos {
  by_setting,  ///< what the tokenizer's own setting asks for
  none,        ///< nothing: the text brings its own special tokens, as a rendered chat does
};

/// Strings to ids and back. Implementations are immutable and may be called from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Ids of `text`. Never adds EOS, even where a tokenizer.json says so. Added and special tokens are found in the
  /// text, but the control pieces of a SentencePiece model ("<s>") only with Bos::none. What is not UTF-8 is read as
  /// U+FFFD by the tokenizers of a tokenizer.json. A character of several tokens is covered by the last of them. Throws
  /// DataError where a pattern of the tokenizer hits the limits of the regular expressions, or the text is over 64 MiB
  /// long.
  virtual Encoding encode(std::string_view text, Bos bos = Bos::by_setting) const = 0;
  /// Text of `ids`; special tokens (BOS, EOS, pad) produce nothing, ids that stand for nothing (a model may pad its
  /// vocabulary) U+FFFD.
  virtual std::string decode(const TokenIds& ids) const = 0;
  /// The piece as it stands in the vocabulary, for people ("▁the", "<0x0A>").
  virtual std::string piece(std::int32_t id) const = 0;
  virtual std::int64_t vocab_size() const = 0;  ///< one more than the highest id
  virtual std::optional<std::int32_t> bos_id() const = 0;
  virtual std::optional<std::int32_t> eos_id() const = 0;
  virtual std::optional<std::int32_t> unknown_id() const = 0;
  virtual std::optional<std::int32_t> pad_id() const = 0;
  /// Files that make up this tokenizer, to be copied into an output folder as they are. (Loaded from a bare `.model`
  /// file of another name, it is that file, which an output folder must hold as tokenizer.model.)
  virtual std::vector<std::filesystem::path> files() const = 0;
};

/// Loads the tokenizer of a model folder: tokenizer.json, else tokenizer.model, else vocab.json and merges.txt; or the
/// one of these files that is named, or a `.model` file of another name. docs/formats.md says what is supported and
/// which settings beside it count. Throws ModelError: nothing there, broken file, or something that is not supported,
/// by name.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

/// The same for a model of `vocab_size` ids. Special tokens beyond them, which a folder may carry for other members of
/// the family (an image's), are refused by encode() where a text holds one (DataError); any other: ModelError.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path, std::int64_t vocab_size);

/// Whether a folder has a tokenizer that load_tokenizer() would look at.
bool has_tokenizer(const std::filesystem::path& folder);
/// The first id that two tokenizers read as different pieces, or that only one of them has; nothing if they agree.
std::optional<std::int32_t> first_difference(const Tokenizer& a, const Tokenizer& b);

/// Settings of a SentencePiece BPE model that `transformers`' LlamaTokenizer reproduces id for id:
/// byte fallback, identity normalisation, white space kept as it is, no space put in front, digits split. So decode
/// gives back the bytes that encode was given.
struct TokenizerTraining {
  std::int64_t vocab_size = 512;
  double character_coverage = 1.0;
  bool split_digits = true;
};

/// Trains on `lines` and writes tokenizer.model and tokenizer_config.json into `folder`.
/// The result depends on the lines and settings alone. Throws DataError if there is too little text for vocab_size
/// (or too small a vocab_size for the characters of the text).
void train_tokenizer(const std::vector<std::string>& lines, const TokenizerTraining& settings,
                     const std::filesystem::path& folder);

}  // namespace rlhf
