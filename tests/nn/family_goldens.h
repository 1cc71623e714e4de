#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn_testing.h"

namespace rlhf::testing {

/// The folders of tests/golden/families, and the lengths of the sequences there.
inline const std::vector<std::string> kFamilies = {
    "llama3",    "llama_linear", "llama_dynamic",   "llama_yarn",    "llama_yarn_old", "mistral", "qwen2",
    "qwen3",     "phi3",         "phi3_longrope",   "gemma",         "gemma2",         "gemma3",  "gemma3_old",
    "gpt2",      "gpt_neox",     "gpt_neox_serial", "opt",           "olmo2",          "olmo3",   "olmo3_old",
    "smollm3",   "granite",      "starcoder2",      "phi",           "phi_norms",      "cohere",  "gptj",
    "falcon",    "falcon_new",   "falcon_one_norm", "falcon_serial", "bloom",          "mixtral", "qwen2_moe",
    "qwen3_moe", "olmoe"};
inline const std::vector<std::int64_t> kLengths = {11, 6, 1, 6};

}  // namespace rlhf::testing
