#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf::hf {

/// Loads the tokenizer of a folder with a tokenizer.json.
std::unique_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& folder,
                                               const std::vector<std::filesystem::path>& files);

/// Loads the tokenizer of a folder with vocab.json and merges.txt, by the rules of GPT-2.
std::unique_ptr<Tokenizer> load_vocabulary_and_merges(const std::filesystem::path& folder,
                                                      const std::vector<std::filesystem::path>& files);

}  // namespace rlhf::hf
