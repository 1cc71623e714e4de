#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/hf/added_tokens.h"

namespace rlhf::hf {

/// The roles of special tokens that `transformers` knows, in its order.
inline constexpr std::string_view kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                              "pad_token", "cls_token", "mask_token"};
bool is_role(std::string_view key);

/// Special tokens with names that are no roles ("image_token"), in the order in which they get ids.
using NamedTokens = std::vector<std::pair<std::string, AddedToken>>;

/// The settings of a tokenizer from the files next to its vocabulary, as transformers 5.24 reads them:
/// tokenizer_config.json; special_tokens_map.json and added_tokens.json, which are read only if the first one has no
/// `added_tokens_decoder`; what the tokenizer class adds to a tokenizer.json; and the EOS id of config.json.
struct Settings {
  std::map<std::string, AddedToken, std::less<>> by_role;
  std::set<std::string, std::less<>> named;  ///< roles that a file names, also those that it sets to null
  NamedTokens named_tokens;                  ///< special like the roles; the inputs of chat templates have them too
  std::map<std::int32_t, AddedToken> by_id;  ///< added tokens
  bool ids_of_old_file = false;              ///< by_id is from added_tokens.json; tokenizer.json goes before it
  std::vector<AddedToken> extra;             ///< further special tokens, for which no file has an id
  std::optional<bool> add_bos;
  std::optional<bool> add_prefix_space;
  std::optional<std::int32_t> model_eos;  ///< from config.json, if no tokenizer file says anything about EOS
  std::string tokenizer_class;            ///< "" if none is named
  std::string class_rules;       ///< the class whose rules transformers puts in place of tokenizer.json's, or ""
  bool legacy = false;           ///< LlamaTokenizer's setting
  bool has_custom_code = false;  ///< the class is Python code of the folder
};

/// `with_class`: the vocabulary is a tokenizer.json, to which a class can add special tokens.
Settings read_settings(const std::filesystem::path& folder, bool with_class);

/// The texts of all named special tokens ({"bos_token": "<s>"}), which a chat template can use.
nlohmann::ordered_json special_token_texts(const Settings& settings);

}  // namespace rlhf::hf
