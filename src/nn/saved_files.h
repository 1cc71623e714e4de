#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"

namespace rlhf {

/// The text of generation_config.json: that of the source, with the stop ids if the source has others. Where there is
/// none, `generate` of transformers reads the ids of config.json, so a new file has those too.
std::string generation_config(const ModelFolder& source, const nlohmann::ordered_json& config,
                              const TokenIds& stop_ids);

}  // namespace rlhf
