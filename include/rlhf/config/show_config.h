#pragma once

#include <map>
#include <string>
#include <string_view>

#include "rlhf/config/options.h"

namespace rlhf {

/// All keys with their values as YAML, which read_config reads back to the same config.
std::string to_yaml(const Section& options);
template <Described C>
std::string to_yaml(C config) {
  return to_yaml(bind(config));
}

/// All full keys ("ppo.kl_coef") with their values as in to_yaml, for comparing configs.
std::map<std::string, std::string> flat_values(const Section& options);
template <Described C>
std::map<std::string, std::string> flat_values(C config) {
  return flat_values(bind(config));
}
/// The same without the keys that may change on resume: a resumed run must have these values of the original run.
std::map<std::string, std::string> fixed_values(const Section& options);
template <Described C>
std::map<std::string, std::string> fixed_values(C config) {
  return fixed_values(bind(config));
}

/// JSON Schema (draft 2020-12) with descriptions, defaults and ranges, for editors.
std::string to_json_schema(const Section& options, std::string_view title);
template <Described C>
std::string json_schema(std::string_view title) {
  C defaults;
  return to_json_schema(bind(defaults), title);
}

/// How a program takes keys: as keys of a config (ppo.kl_coef) or as flags (--max-new-tokens).
enum class KeyStyle { dotted, flag };
/// A table of all keys with default, allowed values and meaning, at most 120 columns wide.
std::string to_help(const Section& options, KeyStyle style);
template <Described C>
std::string keys_help(KeyStyle style) {
  C defaults;
  return to_help(bind(defaults), style);
}

/// "max_new_tokens" as a flag: "--max-new-tokens".
std::string flag_name(std::string_view key);
/// `text` as a double-quoted YAML scalar.
std::string quoted_yaml(std::string_view text);

}  // namespace rlhf
