#pragma once

#include "rlhf/config/sft_config.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// Supervised fine-tuning: minimises the negative log-likelihood of the label tokens,
///   loss = Σ nll / (label tokens of the whole optimizer step, all micro-batches together).
/// Reads and writes what config says; final/ is a Hugging Face folder. Everything is checked before the run folder is
/// made. Errors: every class of core/error.h; Interrupted after a signal, once a checkpoint stands.
RunSummary train_sft(const SftConfig& config, const RunOptions& options = {});

}  // namespace rlhf
