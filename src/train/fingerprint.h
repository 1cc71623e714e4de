#pragma once

#include <cstdint>
#include <string>

#include "rlhf/train/fingerprint.h"
#include "rlhf/train/setup.h"

namespace rlhf {

inline const std::string kThreads = "machine.threads", kMicroBatchTokens = "plan.micro_batch_tokens";

void add_machine(Fingerprint& fingerprint, const Setup& setup, std::int64_t micro_batch_tokens);
/// Adds the files of the tokenizer and the templates of the run.
void add_text(Fingerprint& fingerprint, const Setup& setup);

}  // namespace rlhf
