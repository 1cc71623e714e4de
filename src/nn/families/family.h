#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "nn/config_reader.h"
#include "nn/decoder_config.h"

namespace rlhf {

/// A model family: the meaning of its config.json and the names of its tensors. The decoder does the computation.
struct Family {
  std::string model_type;
  std::string trunk_architecture, causal_architecture, scalar_architecture;
  /// Reads config.json. Throws ModelError if the decoder does not support a setting (named in the message).
  DecoderConfig (*read_config)(const JsonReader& config);
};

/// The family of `model_type`. Throws ModelError, with the list of families, if it is unknown.
const Family& find_family(const JsonReader& config);

}  // namespace rlhf
