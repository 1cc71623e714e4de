// Assigns ids to added tokens.
#include "text/hf/added_vocabulary.h"

#include <algorithm>

#include "rlhf/core/error.h"

namespace rlhf::hf {

std::optional<std::int32_t> AddedVocabulary::find(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  return found != ids_.end() ? std::optional(found->second) : find_piece_(content);
}

std::optional<std::int32_t> AddedVocabulary::add(const AddedToken& token) {
  if (token.content.empty()) return std::nullopt;
  const std::int32_t next = tokens_.empty() ? size_ : std::max(size_, tokens_.rbegin()->first + 1);
  const std::int32_t id = find(token.content).value_or(next);
  ids_[token.content] = id;
  tokens_[id] = token;
  return id;
}

void AddedVocabulary::add(const Settings& settings, const std::filesystem::path& folder) {
  for (const auto& [id, token] : settings.by_id) {
    const auto given = add(token);
    if (given != id)
      throw ModelError("reading tokenizer " + folder.string() + ": added token " + shown_json(token.content) +
                       ": expected the id " + (given ? std::to_string(*given) : "of no other token") + ", found " +
                       std::to_string(id) + " in tokenizer_config.json or added_tokens.json");
  }
  for (const std::string_view role : kRoles) {
    const auto token = settings.by_role.find(std::string(role));
    if (token != settings.by_role.end() && !ids_.contains(token->second.content)) add(token->second);
  }
  for (const AddedToken& token : settings.extra)
    if (!ids_.contains(token.content)) add(token);
}

std::optional<std::int32_t> AddedVocabulary::find_role(const Settings& settings, const std::string& role) const {
  const auto token = settings.by_role.find(role);
  return token == settings.by_role.end() ? std::nullopt : find(token->second.content);
}

}  // namespace rlhf::hf
