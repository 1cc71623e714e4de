#pragma once

#include <string>

#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// The templates of --template and --chat-template, or else those of the model folder.
Templates choose_templates(const std::string& prompt_template, const std::string& chat_template,
                           const ModelFolder& folder, const Tokenizer& tokenizer);

}  // namespace rlhf
