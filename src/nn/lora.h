#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rlhf/nn/adapter.h"
#include "rlhf/nn/parameter.h"
#include "rlhf/tensor/low_rank.h"

#include "nn/linear_layers.h"
#include "nn/weight_source.h"

namespace rlhf {

/// Where the adapters of a decoder come from.
struct LoraSource {
  const LoraOptions& options;
  double scale;
  /// Whether the layer of this name (without ".weight") has an adapter.
  std::function<bool(const std::string& layer)> wants;
  WeightSource weights;  ///< of "LAYER.lora_A.weight" [rank,in] and "LAYER.lora_B.weight" [out,rank]
};

/// The names of A and B of a layer.
std::string lora_a(const std::string& layer);
std::string lora_b(const std::string& layer);

/// The adapter of a linear layer, if one of its parts has one; its parameters are added to `parameters`.
std::optional<LowRank> make_low_rank(const LinearLayer& layer, const LoraSource& source, Parameters& parameters);

/// Whether `layer` ends in the target, as PEFT compares them.
bool is_target(const std::string& layer, const std::string& target);
/// The linear layers of a decoder that `targets` names; all of them if it is empty.
std::vector<LinearLayer> targeted_layers(const DecoderConfig& config, const std::vector<std::string>& targets);
/// The last parts of the names of all linear layers (q_proj, k_proj, …), which PEFT writes as targets.
std::set<std::string> layer_names(const DecoderConfig& config);

}  // namespace rlhf
