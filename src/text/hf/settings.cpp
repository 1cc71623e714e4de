// Reads tokenizer_config.json, special_tokens_map.json, added_tokens.json and the EOS id of config.json.
#include "text/hf/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "text/hf/tokenizer_class.h"
#include "text/hf/tokenizer_json.h"
#include "text/hf/word_model.h"

namespace rlhf::hf {

bool is_role(std::string_view key) { return std::find(std::begin(kRoles), std::end(kRoles), key) != std::end(kRoles); }

namespace {

namespace fs = std::filesystem;

bool is_name(std::string_view key) { return key.ends_with("_token") && !is_role(key); }

AddedToken read_token_object(const JsonReader& node) {
  node.allow_only({"__type", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  return read_added_token(node);
}

// Reads a token: a string, which is special and matched as it is, or an object with flags.
AddedToken read_token(const JsonReader& node) {
  if (node.is_string()) return {.content = node.string(), .special = true};
  return read_token_object(node);
}

// Reads a token of special_tokens_map.json, which is special.
AddedToken read_mapped_token(const JsonReader& node) {
  AddedToken token = read_token(node);
  token.special = true;
  token.normalized = node.is_object() && node.boolean_or("normalized", false);
  return token;
}

void set(NamedTokens& tokens, const std::string& name, AddedToken token) {
  const auto known = std::find_if(tokens.begin(), tokens.end(), [&](const auto& one) { return one.first == name; });
  if (known == tokens.end()) {
    tokens.emplace_back(name, std::move(token));
  } else {
    known->second = std::move(token);
  }
}

void set_all(NamedTokens& tokens, const JsonReader& names) {
  names.for_each_entry([&](const std::string& name, const JsonReader& token) { set(tokens, name, read_token(token)); });
}

std::vector<AddedToken> read_list(const JsonReader& list) {
  std::vector<AddedToken> tokens;
  list.for_each_item([&](const JsonReader& token) { tokens.push_back(read_token(token)); });
  return tokens;
}

// A value that Python takes for false.
bool is_empty(const JsonReader& node) {
  return (node.is_string() && node.string().empty()) || (node.is_list() && node.list().empty()) ||
         (node.is_object() && node.object().empty());
}

bool contains(const std::vector<AddedToken>& tokens, const std::string& content) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const AddedToken& one) { return one.content == content; });
}

/// Collects the special tokens of tokenizer_config.json and special_tokens_map.json. Both have them under several keys:
/// roles; other names that end in "_token"; `extra_special_tokens`, a list or an object of names, and the same under
/// the older key `additional_special_tokens`; and `model_specific_special_tokens`. Which of them counts, and which
/// comes first, is as in transformers.
class SpecialTokens {
 public:
  explicit SpecialTokens(Settings& settings) : settings_(settings) {}

  void read_config(const JsonReader& config) {
    for (const std::string_view role : kRoles) read_role(config, std::string(role));
    auto extra = config.find("extra_special_tokens");
    has_extra_ = config.object().contains("extra_special_tokens");
    if (config.object().contains("additional_special_tokens")) {
      const auto older = config.find("additional_special_tokens");
      if (!extra || is_empty(*extra)) {
        extra = older;
        has_extra_ = true;
      } else {
        keep_older(older);
      }
    }
    config.for_each_entry([&](const std::string& key, const JsonReader& token) {
      if (!is_name(key)) return;
      if (token.is_string()) set(by_text_, key, read_token(token));
      if (token.is_object() && token.string_or("__type", "") == "AddedToken") set(by_object_, key, read_token(token));
    });
    if (extra) read_extra(*extra);
    const auto specific = config.find("model_specific_special_tokens");
    if (by_text_.empty() && specific) set_all(by_text_, *specific);
  }

  void read_map(const JsonReader& map) {
    map.for_each_entry([&](const std::string& key, const JsonReader& value) {
      if (is_role(key)) {
        set_role(key, value.is_null() ? std::nullopt : std::optional(read_mapped_token(value)));
      } else if (key == "extra_special_tokens") {
        merge_extra(value);
      } else if (key == "additional_special_tokens") {
        keep_older(value.is_null() ? std::nullopt : std::optional(value));
      } else if (is_name(key) && (value.is_string() || value.is_object())) {
        set(by_object_, key, read_mapped_token(value));
      }
    });
  }

  /// Whether a token of added_tokens.json is special.
  bool is_special(const std::string& content) const {
    return contains(settings_.extra, content) ||
           std::any_of(settings_.by_role.begin(), settings_.by_role.end(),
                       [&](const auto& entry) { return entry.second.content == content; });
  }

  void finish() {
    if (!has_extra_ && older_) {
      settings_.extra = std::move(older_->list);
      name_all(older_->names);
    }
    name_all(by_object_);
    name_all(by_text_);
  }

 private:
  struct Older {
    std::vector<AddedToken> list;
    NamedTokens names;
  };

  void read_role(const JsonReader& config, const std::string& role) {
    if (!config.object().contains(role)) return;
    const auto token = config.find(role);
    set_role(role, token ? std::optional(read_token(*token)) : std::nullopt);
  }

  void set_role(const std::string& role, std::optional<AddedToken> token) {
    settings_.named.insert(role);
    settings_.by_role.erase(role);
    if (token) settings_.by_role.emplace(role, std::move(*token));
  }

  void read_extra(const JsonReader& extra) {
    settings_.extra.clear();
    if (!extra.is_object()) {
      settings_.extra = read_list(extra);
      return;
    }
    set_all(by_text_, extra);
    has_extra_ = false;
  }

  void merge_extra(const JsonReader& extra) {
    has_extra_ = true;
    if (extra.is_null()) {
      settings_.extra.clear();
    } else if (extra.is_object()) {
      read_extra(extra);
    } else {
      extra.for_each_item([&](const JsonReader& item) {
        AddedToken token = read_mapped_token(item);
        if (!contains(settings_.extra, token.content)) settings_.extra.push_back(std::move(token));
      });
    }
  }

  void keep_older(const std::optional<JsonReader>& tokens) {
    older_.emplace();
    if (!tokens) return;
    if (tokens->is_object()) {
      set_all(older_->names, *tokens);
    } else {
      older_->list = read_list(*tokens);
    }
  }

  void name_all(const NamedTokens& tokens) {
    for (const auto& [name, token] : tokens) {
      if (is_role(name)) {
        set_role(name, token);
      } else {
        set(settings_.named_tokens, name, token);
      }
    }
  }

  Settings& settings_;
  NamedTokens by_object_, by_text_;  // the first have lower ids
  bool has_extra_ = false;           // whether a key says which extra tokens there are, if only that there are none
  std::optional<Older> older_;       // counts if no such key is left
};

std::int32_t read_id(const std::string& text, const JsonReader& node) {
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0 || id >= Vocabulary::kMaxIds)
    node.fail("ids from 0 to " + std::to_string(Vocabulary::kMaxIds - 1) + " as keys", shown_json(text));
  return id;
}

void read_added_tokens_decoder(const JsonReader& node, Settings& settings) {
  node.for_each_entry([&](const std::string& id, const JsonReader& token) {
    settings.by_id[read_id(id, node)] = read_token_object(token);
  });
}

// {"content": id}
void read_added_tokens_file(const JsonReader& file, const SpecialTokens& special, Settings& settings) {
  settings.ids_of_old_file = true;
  file.for_each_entry([&](const std::string& content, const JsonReader& value) {
    const auto id = static_cast<std::int32_t>(value.integer(0, Vocabulary::kMaxIds - 1));
    const bool is_special = special.is_special(content);
    settings.by_id[id] = {.content = content, .normalized = !is_special, .special = is_special};
  });
}

void read_config(const JsonReader& config, Settings& settings) {
  if (const auto add_bos = config.find("add_bos_token")) settings.add_bos = add_bos->boolean();
  if (const auto space = config.find("add_prefix_space")) settings.add_prefix_space = space->boolean();
  if (const auto name = config.find("tokenizer_class")) settings.tokenizer_class = name->string();
  if (const auto legacy = config.find("legacy")) settings.legacy = legacy->boolean();
  settings.has_custom_code = config.has("auto_map");
  if (config.boolean_or("split_special_tokens", false))
    config.at("split_special_tokens").fail("false (true is not supported)");
  if (const auto added = config.find("added_tokens_decoder")) read_added_tokens_decoder(*added, settings);
}

void read_tokenizer_files(const fs::path& folder, Settings& settings) {
  SpecialTokens special(settings);
  bool has_added_tokens = false;
  if (const fs::path file = folder / "tokenizer_config.json"; fs::exists(file)) {
    const nlohmann::ordered_json config = read_tokenizer_json(file);
    read_config(reader_of(config, file), settings);
    special.read_config(reader_of(config, file));
    has_added_tokens = config.contains("added_tokens_decoder");
  }
  if (const fs::path file = folder / "special_tokens_map.json"; !has_added_tokens && fs::exists(file)) {
    const nlohmann::ordered_json map = read_tokenizer_json(file);
    special.read_map(reader_of(map, file));
  }
  if (const fs::path file = folder / "added_tokens.json"; !has_added_tokens && fs::exists(file)) {
    const nlohmann::ordered_json added = read_tokenizer_json(file);
    read_added_tokens_file(reader_of(added, file), special, settings);
  }
  special.finish();
}

// Reads eos_token_id: a number, or a list whose first id ends a text.
std::optional<std::int32_t> read_model_eos(const nlohmann::ordered_json& config) {
  const auto found = config.find("eos_token_id");
  if (found == config.end()) return std::nullopt;
  const nlohmann::ordered_json& id = found->is_array() && !found->empty() ? found->front() : *found;
  const bool fits = id.is_number_integer() && id >= 0 && id < Vocabulary::kMaxIds;
  return fits ? std::optional(id.get<std::int32_t>()) : std::nullopt;
}

}  // namespace

Settings read_settings(const fs::path& folder, bool with_class) {
  Settings settings;
  read_tokenizer_files(folder, settings);
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  if (const fs::path file = folder / "config.json"; fs::exists(file)) config = read_tokenizer_json(file);
  if (!settings.named.contains("eos_token")) settings.model_eos = read_model_eos(config);
  if (with_class) add_class(folder, config, settings);
  return settings;
}

nlohmann::ordered_json special_token_texts(const Settings& settings) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::object();
  for (const std::string_view role : kRoles)
    if (const auto token = settings.by_role.find(role); token != settings.by_role.end())
      texts[std::string(role)] = token->second.content;
  for (const auto& [name, token] : settings.named_tokens) texts[name] = token.content;
  return texts;
}

}  // namespace rlhf::hf
