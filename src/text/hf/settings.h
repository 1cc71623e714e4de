#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "text/hf/added_tokens.h"

namespace rlhf::hf {

/// The roles of special tokens that `transformers` knows, in its order.
inline constexpr std::string_view kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                              "pad_token", "cls_token", "mask_token"};

/// The settings of a tokenizer from the files next to its vocabulary: tokenizer_config.json; special_tokens_map.json
/// and added_tokens.json, which are read only if the first one has no `added_tokens_decoder`; and the EOS id of
/// config.json.
struct Settings {
  std::map<std::string, AddedToken> by_role;
  std::set<std::string> named;               ///< roles that a file names, also those that it sets to null
  std::map<std::int32_t, AddedToken> by_id;  ///< added tokens
  std::vector<AddedToken> extra;             ///< further special tokens, for which no file has an id
  std::optional<bool> add_bos;
  bool add_prefix_space = false;
  std::optional<std::int32_t> model_eos;  ///< from config.json, if no tokenizer file says anything about EOS
  std::string tokenizer_class;            ///< "" if none is named
};

Settings read_settings(const std::filesystem::path& folder);

}  // namespace rlhf::hf
