#pragma once

#include "rlhf/nn/model_folder.h"

#include "nn/decoder_config.h"

namespace rlhf {

/// The keys of config.json about weights and their initialisation.
struct DecoderRecipe {
  DecoderConfig config;
  double initializer_range;
};
DecoderRecipe read_recipe(const ModelFolder& folder);

}  // namespace rlhf
