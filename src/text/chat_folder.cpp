// Finds the chat templates of a model folder.
#include <algorithm>
#include <map>
#include <string_view>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

#include "text/hf/tokenizer_json.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string text;
  fs::path file;
};
using Sources = std::map<std::string, Source>;  // by name

Json read_object(const fs::path& file) { return fs::exists(file) ? hf::read_tokenizer_json(file) : Json::object(); }

// A special token is a text, or an object with its text and flags.
Json token_text(const Json& token) {
  if (token.is_object() && token.contains("content")) return token["content"];
  return token;
}

bool is_token_name(std::string_view name) { return name.ends_with("_token") && !name.starts_with("add_"); }

void add_tokens(Json& tokens, const Json& from, bool any_name) {
  for (const auto& [name, token] : from.items()) {
    const Json text = token_text(token);
    if (text.is_string() && (any_name || is_token_name(name)) && !tokens.contains(name)) tokens[name] = text;
  }
}

Json special_tokens(const fs::path& folder, const Json& config, const Json& roles) {
  Json tokens = Json::object();
  add_tokens(tokens, config, /*any_name=*/false);
  for (const char* key : {"extra_special_tokens", "model_specific_special_tokens"}) {
    const auto named = config.find(key);
    if (named != config.end() && named->is_object()) add_tokens(tokens, *named, /*any_name=*/true);
  }
  add_tokens(tokens, read_object(folder / "special_tokens_map.json"), /*any_name=*/false);
  add_tokens(tokens, roles, /*any_name=*/false);
  return tokens;
}

Sources template_files(const fs::path& folder) {
  Sources sources;
  const auto add = [&](const std::string& name, const fs::path& file) {
    sources[name] = {read_file(file, ExitCode::model), file};
  };
  if (fs::exists(folder / "chat_template.jinja")) add("default", folder / "chat_template.jinja");
  if (!fs::is_directory(folder / "additional_chat_templates")) return sources;
  for (const auto& entry : fs::directory_iterator(folder / "additional_chat_templates"))
    if (entry.path().extension() == ".jinja") add(entry.path().stem().string(), entry.path());
  return sources;
}

Sources templates_of_config(const Json& config, const fs::path& file) {
  const auto given = config.find("chat_template");
  if (given == config.end() || given->is_null()) return {};
  if (given->is_string()) return {{"default", {given->get<std::string>(), file}}};
  const auto fits = [](const Json& one) {
    return one.is_object() && one.contains("name") && one.contains("template") && one["name"].is_string() &&
           one["template"].is_string();
  };
  if (!given->is_array() || !std::ranges::all_of(*given, fits))
    throw ModelError("reading " + file.string() +
                     ": chat_template: expected a text, or a list of {\"name\", \"template\"}, found " +
                     given->type_name());
  Sources sources;
  for (const Json& one : *given) sources[one["name"]] = {one["template"], file};
  return sources;
}

std::optional<ChatTemplate> find(const fs::path& folder, const std::string& name, const Json& roles) {
  const fs::path config_file = folder / "tokenizer_config.json";
  const Json config = read_object(config_file);
  Sources sources = template_files(folder);
  if (sources.empty()) sources = templates_of_config(config, config_file);
  if (sources.empty()) return std::nullopt;
  const auto found = sources.find(name);
  if (found != sources.end())
    return ChatTemplate(found->second.text, special_tokens(folder, config, roles), found->second.file.string());
  std::string names;
  for (const auto& one : sources) names += (names.empty() ? "" : ", ") + one.first;
  throw ModelError("reading the chat template of " + folder.string() + ": expected one named '" + name + "', found " +
                   names);
}

}  // namespace

std::optional<ChatTemplate> find_chat_template(const fs::path& folder, const std::string& name, const Json& roles) {
  try {
    return find(folder, name, roles);
  } catch (const fs::filesystem_error& error) {
    throw ModelError("reading the chat template of " + folder.string() + ": " + error.code().message());
  }
}

}  // namespace rlhf
