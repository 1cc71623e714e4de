#pragma once

#include "rlhf/config/generate_config.h"
#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// The templates of the command line, or else those of the model folder.
Templates choose_templates(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer);

}  // namespace rlhf
