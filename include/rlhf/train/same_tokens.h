#pragma once

#include <string>

#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Checks that a model can read the responses that another one samples: every token of `sampled` must be the same token
/// in the folder's tokenizer, if it has one, and have a row in its embedding. The folder may have more tokens and rows.
/// Throws ModelError "KEY: FOLDER: expected the tokenizer of OTHER, found …"; `other` names the sampling model.
void check_same_tokens(const Tokenizer& sampled, const ModelFolder& folder, const std::string& key,
                       const std::string& other);

}  // namespace rlhf
