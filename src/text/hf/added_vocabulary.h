#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "text/hf/added_tokens.h"
#include "text/hf/settings.h"

namespace rlhf::hf {

/// The tokens that are added to a model's vocabulary. A token whose content is a piece of the model has the id of that
/// piece; other tokens get the ids after the vocabulary in the order in which they are added, as in the `tokenizers`
/// library.
class AddedVocabulary {
 public:
  using FindPiece = std::function<std::optional<std::int32_t>(std::string_view)>;
  /// `size` is the number of pieces of the model.
  AddedVocabulary(std::int32_t size, FindPiece find_piece) : size_(size), find_piece_(std::move(find_piece)) {}

  /// Adds a token, or replaces the flags of an existing one, and returns its id. Ignores an empty content.
  std::optional<std::int32_t> add(const AddedToken& token);
  /// Adds the tokens of the settings that do not exist yet. Throws ModelError if the settings have another id for a
  /// token.
  void add(const Settings& settings, const std::filesystem::path& folder);

  std::optional<std::int32_t> find(std::string_view content) const;
  /// The id that the settings give a role ("bos_token").
  std::optional<std::int32_t> find_role(const Settings& settings, const std::string& role) const;
  const std::map<std::int32_t, AddedToken>& tokens() const { return tokens_; }

 private:
  void add_by_id(const Settings& settings, const std::filesystem::path& folder);

  std::int32_t size_;
  FindPiece find_piece_;
  std::map<std::int32_t, AddedToken> tokens_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace rlhf::hf
