#pragma once

#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "rlhf/config/model_options.h"

namespace rlhf {

/// config.json of a new Llama, with keys that every version of `transformers` reads.
nlohmann::ordered_json make_llama_config(const ModelInit& init, std::int64_t vocab_size,
                                         std::optional<std::int32_t> bos_id, std::optional<std::int32_t> eos_id);

}  // namespace rlhf
