#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/core/types.h"

namespace rlhf {

/// Token ids of a text, and the byte at which each token ends: token i covers bytes [ends[i-1], ends[i]). BOS covers no
/// bytes.
struct Encoding {
  TokenIds ids;
  std::vector<std::int32_t> ends;  ///< byte offsets into the text, non-decreasing, same length as ids
};

/// Whether BOS is added before a text.
enum class Bos {
  by_setting,  ///< as the tokenizer's files say
  none,        ///< never: the text contains its own special tokens, like a rendered conversation
};

/// Converts text to token ids and back. Implementations are immutable and thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Returns the ids of `text`. Never adds EOS, even if tokenizer.json says so. Added and special tokens are recognised
  /// in the text; the control pieces of a SentencePiece model ("<s>") only with Bos::none. Tokenizers from a
  /// tokenizer.json read bytes that are not UTF-8 as U+FFFD. If a character consists of several tokens, its bytes
  /// belong to the last of them. Throws DataError if a pattern of the tokenizer exceeds the limits of the regular
  /// expression engine or the text is longer than 64 MiB.
  virtual Encoding encode(std::string_view text, Bos bos = Bos::by_setting) const = 0;
  /// Returns the text of `ids`. Special tokens (BOS, EOS, pad) are omitted. Ids without a piece (a model may pad its
  /// vocabulary) become U+FFFD.
  virtual std::string decode(const TokenIds& ids) const = 0;
  /// The entry of the vocabulary, for display ("▁the", "<0x0A>").
  virtual std::string piece(std::int32_t id) const = 0;
  virtual std::int64_t vocab_size() const = 0;  ///< highest id + 1
  /// Whether a token has this id: ids can have gaps. By default, whether piece() gives one.
  virtual bool has(std::int32_t id) const;
  virtual std::optional<std::int32_t> bos_id() const = 0;
  virtual std::optional<std::int32_t> eos_id() const = 0;
  virtual std::optional<std::int32_t> unknown_id() const = 0;
  virtual std::optional<std::int32_t> pad_id() const = 0;
  /// The files of this tokenizer, to be copied into an output folder. (A tokenizer loaded from a single `.model` file
  /// has only that file, which the output folder must store as tokenizer.model.)
  virtual std::vector<std::filesystem::path> files() const = 0;
};

/// Loads the tokenizer of a model folder: tokenizer.json, else tokenizer.model, else vocab.json and merges.txt. `path`
/// may also be one of these files, or a `.model` file of another name. docs/formats.md lists what is supported and
/// which other files are read. Throws ModelError if there is no tokenizer, if a file is broken, or if the tokenizer
/// needs an unsupported feature (named in the message).
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

/// The same for a model with `vocab_size` ids. A folder may have special tokens beyond these for other models of the
/// family (for example for images): encode() throws DataError if a text contains one. Throws ModelError if any other
/// token is beyond the vocabulary.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path, std::int64_t vocab_size);

/// Whether a folder has a file that load_tokenizer() would read.
bool has_tokenizer(const std::filesystem::path& folder);
/// The first id of `a` for which `b` has another piece or none; nullopt if every token of `a` is the same token in `b`,
/// which may have more. Does not depend on the sizes of embeddings.
std::optional<std::int32_t> first_difference(const Tokenizer& a, const Tokenizer& b);
/// The ids from 0 to `rows` - 1 that no token has: the rows of an embedding that is larger than the vocabulary, and
/// gaps.
TokenIds ids_without_token(const Tokenizer& tokenizer, std::int64_t rows);

/// The text of `ids` where they follow `context`, such that the text of both together is that of the context and then
/// this one. It differs from decode(ids) at the start: decoders drop the space before the first word of a text, so a
/// response that begins with "▁upon" after the prompt "Once" is " upon". Special tokens are omitted.
std::string decode_after(const Tokenizer& tokenizer, std::span<const std::int32_t> context, const TokenIds& ids);

/// Settings of a SentencePiece BPE model that the LlamaTokenizer of `transformers` reproduces id for id: byte fallback,
/// no normalisation, white space unchanged, no added space at the start, digits split. decode(encode(text)) returns the
/// same bytes.
struct TokenizerTraining {
  std::int64_t vocab_size = 512;
  double character_coverage = 1.0;
  bool split_digits = true;
};

/// Trains a tokenizer on `lines` and writes tokenizer.model and tokenizer_config.json into `folder`. The result depends
/// only on the lines and settings. Throws DataError if there is too little text for vocab_size, or if vocab_size is too
/// small for the characters of the text.
void train_tokenizer(const std::vector<std::string>& lines, const TokenizerTraining& settings,
                     const std::filesystem::path& folder);

}  // namespace rlhf
