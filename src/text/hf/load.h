#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf::hf {

/// The tokenizer of a folder that has a tokenizer.json, by that file.
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder,
                                               const std::vector<std::filesystem::path>& files);

/// The tokenizer of a folder that has vocab.json and merges.txt: GPT-2's rules.
std::unique_ptr<Tokenizer> load_vocabulary_and_merges(const std::filesystem::path& folder,
                                                      const std::vector<std::filesystem::path>& files);

}  // namespace rlhf::hf
