// Compares two tokenizers piece by piece.
#include <algorithm>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {
namespace {

/// The piece of an id, or nullopt if the tokenizer does not have the id.
std::optional<std::string> piece_of(const Tokenizer& tokenizer, std::int32_t id) {
  try {
    return tokenizer.piece(id);
  } catch (const ModelError&) {
    return std::nullopt;
  }
}

}  // namespace

bool has_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name); };
  return has("tokenizer.json") || has("tokenizer.model") || has("vocab.json");
}

std::optional<std::int32_t> first_difference(const Tokenizer& a, const Tokenizer& b) {
  const auto ids = static_cast<std::int32_t>(std::max(a.vocab_size(), b.vocab_size()));
  for (std::int32_t id = 0; id < ids; ++id) {
    if (piece_of(a, id) != piece_of(b, id)) return id;
  }
  return std::nullopt;
}

}  // namespace rlhf
