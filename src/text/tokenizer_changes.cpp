// Changes the files of a tokenizer: added tokens, roles, chat template.
#include "rlhf/text/tokenizer_changes.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kMap = "special_tokens_map.json";
constexpr const char* kAddedTokens = "added_tokens.json";
constexpr const char* kTokenizer = "tokenizer.json";

/// A file that load_tokenizer() did not need may be broken.
Json parse(const std::string& name, const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  throw ModelError("changing the tokenizer: " + name + ": expected a JSON object, found " +
                   (json.is_discarded() ? "broken JSON" : json.type_name()));
}

/// Changes a JSON file, which is created if it does not exist and `create` is true.
template <typename Change>
void change(TokenizerTexts& files, const std::string& name, bool create, const Change& change_object) {
  const auto file = files.find(name);
  if (file == files.end() && !create) return;
  Json json = file == files.end() ? Json::object() : parse(name, file->second);
  change_object(json);
  files[name] = json.dump(2) + "\n";
}

Json flags_of(const NewToken& token) {
  return {{"content", token.content}, {"lstrip", false},      {"normalized", false},
          {"rstrip", false},          {"single_word", false}, {"special", true}};
}

/// Inserts a token into added_tokens of tokenizer.json, which is in the order of the ids.
void insert_added(Json& added, const NewToken& token) {
  Json entry = {{"id", token.id}};
  entry.update(flags_of(token));
  const auto after = std::find_if(added.begin(), added.end(), [&](const Json& one) {
    return one.is_object() && one.value("id", std::int64_t{0}) > token.id;
  });
  added.insert(after, std::move(entry));
}

/// Whether an item of a list of chat templates is one whose name can be that of a file, and not the default.
bool is_other_template(const Json& one) {
  const auto is_text = [&](const char* key) { return one.contains(key) && one.at(key).is_string(); };
  if (!one.is_object() || !is_text("name") || !is_text("template")) return false;
  const std::string& name = one.at("name").get_ref<const std::string&>();
  return !name.empty() && name != "default" && name.find('/') == name.npos;
}

bool has_added_tokens_decoder(const TokenizerTexts& files) {
  const auto config = files.find(kConfig);
  return config != files.end() && parse(kConfig, config->second).contains("added_tokens_decoder");
}

std::map<std::string, std::int32_t> ids_by_piece(const Tokenizer& tokenizer) {
  std::map<std::string, std::int32_t> ids;
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    try {
      ids.emplace(tokenizer.piece(id), id);
    } catch (const ModelError&) {  // ids can have gaps
    }
  }
  return ids;
}

bool is_recognised(const Tokenizer& tokenizer, const std::string& content) {
  return tokenizer.encode(content, Bos::none).ids.size() == 1;
}

}  // namespace

std::vector<NewToken> new_tokens(const Tokenizer& tokenizer, const std::vector<std::string>& contents,
                                 const std::string& key) {
  std::vector<NewToken> tokens;
  if (contents.empty()) return tokens;
  const auto ids = ids_by_piece(tokenizer);
  auto next = static_cast<std::int32_t>(tokenizer.vocab_size());
  for (const std::string& content : contents) {
    if (content.find_first_not_of(" \t\r\n") == std::string::npos)
      throw ConfigError({key + ": expected texts of tokens, found an empty one"});
    const auto known = ids.find(content);
    const bool listed =
        std::any_of(tokens.begin(), tokens.end(), [&](const NewToken& token) { return token.content == content; });
    if (listed || (known != ids.end() && is_recognised(tokenizer, content))) continue;
    tokens.push_back({content, known != ids.end() ? known->second : next++});
  }
  return tokens;
}

std::int32_t find_token(const Tokenizer& tokenizer, const std::string& content, const std::string& key) {
  const auto ids = ids_by_piece(tokenizer);
  const auto found = ids.find(content);
  if (found != ids.end()) return found->second;
  throw ConfigError({key + ": expected a token of the tokenizer, found " + Json(content).dump() +
                     "; hint: add it with model.add_tokens"});
}

void add_tokens(TokenizerTexts& files, const std::vector<NewToken>& tokens) {
  if (tokens.empty()) return;
  const bool by_id = has_added_tokens_decoder(files), whole = files.contains(kTokenizer);
  change(files, kTokenizer, /*create=*/false, [&](Json& json) {
    Json& added = json["added_tokens"];
    if (!added.is_array()) added = Json::array();
    for (const NewToken& token : tokens) insert_added(added, token);
  });
  if (by_id) {
    change(files, kConfig, /*create=*/false, [&](Json& json) {
      for (const NewToken& token : tokens) json["added_tokens_decoder"][std::to_string(token.id)] = flags_of(token);
    });
  } else if (!whole || files.contains(kAddedTokens)) {
    change(files, kAddedTokens, /*create=*/true, [&](Json& json) {
      for (const NewToken& token : tokens) json[token.content] = token.id;
    });
  }
  if (by_id || whole) return;
  // Without flags for each token, a token is special if it is in this list. (transformers 5 does not look for a token
  // of added_tokens.json in the older `additional_special_tokens` of this file.)
  change(files, kMap, /*create=*/true, [&](Json& json) {
    Json& special = json["extra_special_tokens"];
    if (!special.is_array()) special = Json::array();
    for (const NewToken& token : tokens) special.push_back(token.content);
  });
}

void set_token_role(TokenizerTexts& files, const std::string& role, const std::string& content) {
  const auto set = [&](Json& json) { json[role] = content; };
  change(files, kConfig, /*create=*/true, set);
  change(files, kMap, /*create=*/false, set);
}

void set_chat_template(TokenizerTexts& files, const std::string& chosen) {
  const bool had_files =
      std::any_of(files.begin(), files.end(), [](const auto& file) { return file.first.ends_with(".jinja"); });
  files["chat_template.jinja"] = chosen;
  const auto config = files.find(kConfig);
  if (config == files.end()) return;
  Json json = parse(kConfig, config->second);
  const auto given = json.find("chat_template");
  if (given == json.end()) return;
  for (const Json& one : given->is_array() && !had_files ? *given : Json::array())
    if (is_other_template(one))
      files["additional_chat_templates/" + one.at("name").get<std::string>() + ".jinja"] = one.at("template");
  json.erase("chat_template");
  config->second = json.dump(2) + "\n";
}

}  // namespace rlhf
