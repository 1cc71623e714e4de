// Assigns ids to added tokens.
#include "text/hf/added_vocabulary.h"

#include <algorithm>
#include <set>

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

void AddedVocabulary::add_by_id(const Settings& settings, const std::filesystem::path& folder) {
  std::set<std::string, std::less<>> named;
  for (const auto& [role, token] : settings.by_role) named.insert(token.content);
  for (const auto& [name, token] : settings.named_tokens) named.insert(token.content);
  for (const auto& [id, given] : settings.by_id) {
    const auto known = tokens_.find(id);
    if (known != tokens_.end() && (known->second == given || settings.ids_of_old_file)) continue;
    AddedToken token = given;
    token.special = token.special || named.contains(token.content);
    const auto own = add(token);
    if (own != id)
      throw ModelError("reading tokenizer " + folder.string() + ": added token " + shown_json(token.content) +
                       ": expected the id " + (own ? std::to_string(*own) : "of no other token") + ", found " +
                       std::to_string(id) + " in tokenizer_config.json or added_tokens.json");
  }
}

void AddedVocabulary::add(const Settings& settings, const std::filesystem::path& folder) {
  add_by_id(settings, folder);
  const auto add_named = [&](AddedToken token) {
    if (ids_.contains(token.content)) return;
    token.special = true;
    add(token);
  };
  for (const std::string_view role : kRoles)
    if (const auto token = settings.by_role.find(role); token != settings.by_role.end()) add_named(token->second);
  for (const auto& [name, token] : settings.named_tokens) add_named(token);
  for (const AddedToken& token : settings.extra)
    if (!ids_.contains(token.content)) add(token);
}

std::optional<std::int32_t> AddedVocabulary::find_role(const Settings& settings, const std::string& role) const {
  const auto token = settings.by_role.find(role);
  return token == settings.by_role.end() ? std::nullopt : find(token->second.content);
}

}  // namespace rlhf::hf
