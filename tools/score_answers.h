#pragma once

#include "rlhf/config/generate_config.h"

namespace rlhf {

/// rlhf-generate --score-only: scores the answers of a file with a reward model. Writes one JSON object per record,
/// with the score or scores and the record itself, and logs how often a reward model agrees with pairs and rankings.
void score_answers(const GenerateConfig& config);

}  // namespace rlhf
