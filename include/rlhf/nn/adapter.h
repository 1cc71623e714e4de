#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "rlhf/config/lora_options.h"

namespace rlhf {

/// Low-rank adapters of the linear layers of a decoder (arXiv:2106.09685):
///   y = x·Wᵀ + bias + scale·dropout(x)·Aᵀ·Bᵀ,  A [rank,in],  B [out,rank],  scale = alpha / rank (rslora: alpha /
///   √rank)
/// W is frozen. A new A is drawn from uniform(−1/√in, 1/√in) and a new B is 0, as in PEFT, so a new adapter changes
/// nothing.
///
/// Folders are those of PEFT: adapter_config.json, which names the base model, and adapter_model.safetensors. Ours also
/// have the tokenizer's files, generation_config.json and rlhf.json.
struct Adapter {
  std::filesystem::path path;  ///< its folder; empty for a new one
  LoraOptions options;         ///< targets is empty if path is not
  std::string config_json;     ///< the text of adapter_config.json; empty for a new one
  std::string base_name;       ///< the path or id of the base model in it
  bool has_score = false;      ///< its folder has a scalar head
  std::int64_t elements = 0;   ///< of the matrices in its folder

  double scale() const;
};

}  // namespace rlhf
