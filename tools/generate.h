#pragma once

#include "rlhf/config/generate_config.h"

namespace rlhf {

/// rlhf-generate: samples responses to one prompt or to every prompt of a JSONL file, as text or as JSON lines; chats;
/// or scores given answers.
void run_generate(const GenerateConfig& config);

}  // namespace rlhf
