#pragma once

#include <vector>

#include "rlhf/config/reward_model_config.h"
#include "rlhf/data/judged_votes.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// Bradley-Terry reward model (rlhf-rm): minimises −log σ(score(chosen) − score(rejected) − margin), or another loss of
/// algo/reward_loss.h, averaged over the pairs of each ranking and then over the samples of an optimizer step. The
/// score is read at the last token. final/ is a Hugging Face …ForSequenceClassification folder with `rlhf_reward_mean`
/// in its config.json. Errors: like train_sft.
///
/// Where labels are learned from judgments (reward_model.annotators: latent, em, trust) the run folder also gets
/// annotators.json and labels.jsonl (docs/formats.md). `features` are what annotators may pay for, beside
/// reward_model.biases; a resumed run must have the same ones.
RunSummary train_reward_model(const RewardModelConfig& config, const RunOptions& options = {},
                              std::vector<AnnotatorFeature> features = {});

}  // namespace rlhf
