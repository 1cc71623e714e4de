#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rlhf/json/json_reader.h"

namespace rlhf::hf {

/// The vocabulary of a model: ids of pieces by their text.
class Vocabulary {
 public:
  /// Upper limit of ids, far above any real vocabulary, so that a table by id stays small.
  static constexpr std::int32_t kMaxIds = 1 << 22;

  /// The id of a piece. If two pieces have the same text (possible in Unigram models), returns the later one.
  void add(const std::string& piece, std::int32_t id) {
    ids_[piece] = id;
    pieces_.emplace_back(piece, id);
  }
  std::optional<std::int32_t> find(std::string_view piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const { return pieces_.size(); }
  const std::vector<std::pair<std::string, std::int32_t>>& pieces() const { return pieces_; }
  /// The ids of the pieces <0x00> to <0xFF>; -1 for missing ones.
  std::vector<std::int32_t> byte_ids() const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
  std::vector<std::pair<std::string, std::int32_t>> pieces_;
};

/// A token of a word and how many bytes of the word it covers.
struct WordToken {
  std::int32_t id;
  std::int32_t bytes;
};

/// Appends the bytes of `text` as tokens if all of them have ids. `byte_ids` is empty for models without byte fallback.
bool append_bytes(std::string_view text, const std::vector<std::int32_t>& byte_ids, std::vector<WordToken>& tokens);

/// Encodes words as tokens. Thread-safe; a cache is its only mutable state.
class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the tokens of `word`, which must not be empty.
  virtual void encode(std::string_view word, std::vector<WordToken>& tokens) const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit WordModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  const Vocabulary vocabulary_;
};

/// Reads a `model`: BPE or Unigram.
std::unique_ptr<WordModel> read_word_model(const JsonReader& node);

}  // namespace rlhf::hf
