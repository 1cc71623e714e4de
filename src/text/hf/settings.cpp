// Reads tokenizer_config.json, special_tokens_map.json, added_tokens.json and the EOS id of config.json.
#include "text/hf/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "text/hf/tokenizer_json.h"
#include "text/hf/word_model.h"

namespace rlhf::hf {
namespace {

namespace fs = std::filesystem;

bool is_role(std::string_view key) { return std::find(std::begin(kRoles), std::end(kRoles), key) != std::end(kRoles); }

// Reads a token: a string, or an object with flags.
AddedToken read_special_token(const JsonReader& node) {
  AddedToken token;
  if (node.is_string()) {
    token.content = node.string();
  } else {
    token = read_added_token(node, {"__type"});
  }
  token.special = true;
  return token;
}

void read_roles(const JsonReader& config, Settings& settings) {
  for (const std::string_view role : kRoles) {
    const std::string key(role);
    if (!config.object().contains(key)) continue;
    settings.named.insert(key);
    settings.by_role.erase(key);
    if (const auto token = config.find(key)) settings.by_role[key] = read_special_token(*token);
  }
}

// Reads the special tokens: lists under either of two names, objects of named tokens, and single tokens whose key ends
// in "_token".
void read_extra(const JsonReader& config, Settings& settings) {
  for (const char* key : {"extra_special_tokens", "additional_special_tokens"}) {
    const auto list = config.find(key);
    if (!list || !settings.extra.empty()) continue;
    if (list->is_object()) {
      list->for_each_entry(
          [&](const std::string&, const JsonReader& token) { settings.extra.push_back(read_special_token(token)); });
    } else {
      list->for_each_item([&](const JsonReader& token) { settings.extra.push_back(read_special_token(token)); });
    }
  }
  config.for_each_entry([&](const std::string& key, const JsonReader& token) {
    if (key.ends_with("_token") && !is_role(key) && (token.is_string() || token.is_object()))
      settings.extra.push_back(read_special_token(token));
  });
}

std::int32_t read_id(const std::string& text, const JsonReader& node) {
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0 || id >= Vocabulary::kMaxIds)
    node.fail("ids from 0 to " + std::to_string(Vocabulary::kMaxIds - 1) + " as keys", shown_json(text));
  return id;
}

void read_added_tokens_decoder(const JsonReader& node, Settings& settings) {
  node.for_each_entry([&](const std::string& id, const JsonReader& token) {
    settings.by_id[read_id(id, node)] = read_added_token(token, {"__type"});
  });
}

// {"content": id}
void read_added_tokens_file(const JsonReader& file, Settings& settings) {
  file.for_each_entry([&](const std::string& content, const JsonReader& value) {
    const auto id = static_cast<std::int32_t>(value.integer(0, Vocabulary::kMaxIds - 1));
    const auto is_same = [&](const AddedToken& token) { return token.content == content; };
    AddedToken token;
    token.content = content;
    token.special = std::any_of(settings.extra.begin(), settings.extra.end(), is_same) ||
                    std::any_of(settings.by_role.begin(), settings.by_role.end(),
                                [&](const auto& entry) { return is_same(entry.second); });
    token.normalized = !token.special;
    settings.by_id[id] = token;
  });
}

void read_config(const JsonReader& config, Settings& settings) {
  read_roles(config, settings);
  read_extra(config, settings);
  if (const auto add_bos = config.find("add_bos_token")) settings.add_bos = add_bos->boolean();
  settings.add_prefix_space = config.boolean_or("add_prefix_space", false);
  if (const auto name = config.find("tokenizer_class")) settings.tokenizer_class = name->string();
  if (config.boolean_or("split_special_tokens", false))
    config.at("split_special_tokens").fail("false (true is not supported)");
  if (const auto added = config.find("added_tokens_decoder")) read_added_tokens_decoder(*added, settings);
}

void read_tokenizer_files(const fs::path& folder, Settings& settings) {
  bool has_added_tokens = false;
  if (const fs::path file = folder / "tokenizer_config.json"; fs::exists(file)) {
    const nlohmann::ordered_json config = read_tokenizer_json(file);
    read_config(reader_of(config, file), settings);
    has_added_tokens = config.contains("added_tokens_decoder");
  }
  if (has_added_tokens) return;
  if (const fs::path file = folder / "special_tokens_map.json"; fs::exists(file)) {
    const nlohmann::ordered_json roles = read_tokenizer_json(file);
    read_roles(reader_of(roles, file), settings);
    read_extra(reader_of(roles, file), settings);
  }
  if (const fs::path file = folder / "added_tokens.json"; fs::exists(file)) {
    const nlohmann::ordered_json added = read_tokenizer_json(file);
    read_added_tokens_file(reader_of(added, file), settings);
  }
}

// Reads eos_token_id: a number, or a list whose first id ends a text.
std::optional<std::int32_t> read_model_eos(const fs::path& file) {
  const nlohmann::ordered_json config = read_tokenizer_json(file);
  const auto found = config.find("eos_token_id");
  if (found == config.end()) return std::nullopt;
  const nlohmann::ordered_json& id = found->is_array() && !found->empty() ? found->front() : *found;
  const bool fits = id.is_number_integer() && id >= 0 && id < Vocabulary::kMaxIds;
  return fits ? std::optional(id.get<std::int32_t>()) : std::nullopt;
}

}  // namespace

Settings read_settings(const fs::path& folder) {
  Settings settings;
  read_tokenizer_files(folder, settings);
  const fs::path config = folder / "config.json";
  if (!settings.named.contains("eos_token") && fs::exists(config)) settings.model_eos = read_model_eos(config);
  return settings;
}

}  // namespace rlhf::hf
