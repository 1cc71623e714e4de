// Compares the vocabularies of two tokenizers, or of a tokenizer and an embedding.
#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

bool Tokenizer::has(std::int32_t id) const {
  try {
    piece(id);
    return true;
  } catch (const ModelError&) {
    return false;
  }
}

bool has_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name); };
  return has("tokenizer.json") || has("tokenizer.model") || has("vocab.json");
}

std::optional<std::int32_t> first_difference(const Tokenizer& a, const Tokenizer& b) {
  const auto ids = static_cast<std::int32_t>(a.vocab_size());
  for (std::int32_t id = 0; id < ids; ++id)
    if (a.has(id) && (!b.has(id) || a.piece(id) != b.piece(id))) return id;
  return std::nullopt;
}

TokenIds ids_without_token(const Tokenizer& tokenizer, std::int64_t rows) {
  TokenIds ids;
  for (std::int32_t id = 0; id < rows; ++id)
    if (!tokenizer.has(id)) ids.push_back(id);
  return ids;
}

}  // namespace rlhf
