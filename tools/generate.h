#pragma once

#include "rlhf/config/generate_config.h"

namespace rlhf {

/// rlhf-generate: continues one prompt or every prompt of a JSONL file, as text or as JSON lines; or talks.
void run_generate(const GenerateConfig& config);

}  // namespace rlhf
