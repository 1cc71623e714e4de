#pragma once

#include <cstdint>
#include <optional>

#include "rlhf/nn/model_folder.h"

namespace rlhf {

/// The token before which a scalar model of this folder scores (ScalarModel), with a warning if there is one. None if
/// the model is trained: then it learns to score at EOS, and the saved folder says so, by another pad id or in
/// rlhf.json.
std::optional<std::int32_t> scoring_padding(const ModelFolder& folder, bool requires_grad);

}  // namespace rlhf
