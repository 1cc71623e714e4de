// Finds the chat templates of a model folder.
#include <algorithm>
#include <map>
#include <string_view>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

#include "text/hf/settings.h"
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

// The named special tokens of the folder's files, and the roles that no file names.
Json special_tokens(const fs::path& folder, const Json& roles) {
  const hf::Settings settings = hf::read_settings(folder, fs::exists(folder / "tokenizer.json"));
  Json tokens = hf::special_token_texts(settings);
  for (const auto& [role, text] : roles.items())
    if (!settings.named.contains(role) && !tokens.contains(role)) tokens[role] = text;
  return tokens;
}

Sources template_files(const fs::path& folder) {
  Sources sources;
  const auto add = [&](const std::string& name, const fs::path& file) {
    sources[name] = {read_file(file, ExitCode::model, kMaxTemplateBytes), file};
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
    return ChatTemplate(found->second.text, special_tokens(folder, roles), found->second.file.string());
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
