#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "text/hf/settings.h"

namespace rlhf::hf {

/// A few tokenizer classes of transformers 5 (LlamaTokenizer, GemmaTokenizer, …) take only the vocabulary, the merges
/// and the post-processor from a tokenizer.json and have their own normalizer, pre-tokenizer and default special
/// tokens. If the folder's files select such a class, sets `class_rules` and adds the default special tokens that no
/// file names. `model` is the folder's config.json.
void add_class(const std::filesystem::path& folder, const nlohmann::ordered_json& model, Settings& settings);

/// The tokenizer.json `document` with the rules of settings.class_rules in place of its own.
nlohmann::ordered_json with_class_rules(const nlohmann::ordered_json& document, const Settings& settings);
/// Whether `document` has these rules already. (False may also be the answer if it has them in other words.)
bool has_class_rules(const nlohmann::ordered_json& document, const Settings& settings);

}  // namespace rlhf::hf
