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

/// What the files beside a vocabulary say: tokenizer_config.json; special_tokens_map.json and added_tokens.json, which
/// count only where the first one has no `added_tokens_decoder`; of config.json, the EOS id.
struct Settings {
  std::map<std::string, AddedToken> by_role;
  std::set<std::string> said;                ///< roles that are said, be it that there is none (null)
  std::map<std::int32_t, AddedToken> by_id;  ///< added tokens
  std::vector<AddedToken> extra;             ///< further special tokens, whose ids are not said
  std::optional<bool> add_bos;
  bool add_prefix_space = false;
  std::optional<std::int32_t> model_eos;  ///< config.json's, where no file of the tokenizer says anything about EOS
  std::string tokenizer_class;  ///< "" where none is named
};

Settings read_settings(const std::filesystem::path& folder);

}  // namespace rlhf::hf
