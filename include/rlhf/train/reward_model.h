#pragma once

#include "rlhf/config/reward_model_config.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// Bradley-Terry reward model: −log σ(score(chosen) − score(rejected) − margin), mean over the pairs of an optimizer
/// step, of a ranking over its own pairs first (algo/reward_loss.h). The score is read at the last token. final/ is a
/// Hugging Face …ForSequenceClassification folder whose config.json holds `rlhf_reward_mean`. Errors: as train_sft.
RunSummary train_reward_model(const RewardModelConfig& config, const RunOptions& options = {});

}  // namespace rlhf
