#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "nn/config_fields.h"
#include "nn/decoder_config.h"

namespace rlhf {

/// A model family is what its config.json means and what its tensors are called; the arithmetic is the decoder's.
struct Family {
  std::string model_type;
  std::string trunk_architecture, causal_architecture, scalar_architecture;
  /// Throws ModelError naming what the decoder cannot compute.
  DecoderConfig (*read_config)(const ConfigFields& config);
};

/// By `model_type`; ModelError names an unknown one and lists those that are known.
const Family& find_family(const ConfigFields& config);

}  // namespace rlhf
