#pragma once

#include "rlhf/config/dpo_config.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// Direct preference optimisation (rlhf-dpo): trains a language model on pairs or rankings with a loss of
/// algo/preference_loss.h, averaged over the pairs of each ranking and then over the samples of an optimizer step. The
/// loss kto also takes single completions with a label. Judgments become pairs by the majority of the votes. final/ is
/// a Hugging Face folder.
///
/// The reference is the initial model, or that of dpo.reference. Its log-probabilities of all completions are computed
/// once, before the first step, and kept in checkpoints, so no second model is in memory during training and a resumed
/// run computes nothing again. RunOptions::eval_only needs dpo.reference if the loss has a reference.
/// Errors: like train_sft.
RunSummary train_dpo(const DpoConfig& config, const RunOptions& options = {});

}  // namespace rlhf
