#pragma once

#include "rlhf/config/sft_config.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// Supervised fine-tuning (rlhf-sft): minimises the negative log-likelihood of the label tokens,
///   loss = Σ nll / (label tokens of the whole optimizer step, all micro-batches together).
/// final/ is a Hugging Face folder. All checks are done before the run folder is created. Errors: all classes of
/// core/error.h; Interrupted after a signal, when a checkpoint is saved.
RunSummary train_sft(const SftConfig& config, const RunOptions& options = {});

}  // namespace rlhf
