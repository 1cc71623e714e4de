#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rlhf/config/ppo_config.h"
#include "rlhf/data/samples.h"
#include "rlhf/runs/metrics.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/optimizer.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// rlhf-ppo: optimises config.model.policy against `reward` (the folder config.model.reward if null) with a KL penalty.
/// Writes final/ and final-value/. Errors: as train_sft.
void train_ppo(const PpoConfig& config, const RunOptions& options = {}, RewardSource* reward = nullptr);

/// The parts of train_ppo, for trainers of your own. Models and tokenizer are referred to, not owned.
struct PpoModels {
  CausalLM& policy;
  CausalLM& reference;  ///< only run
  ScalarModel& value;
  RewardSource& reward;
  const Tokenizer* tokenizer = nullptr;  ///< decodes responses for reward functions and samples; null: texts are empty
};

/// What changes from step to step, and so what a checkpoint holds.
struct PpoState {
  AdamW policy_optimizer;
  AdamW value_optimizer;
  std::int64_t step = 0;  ///< rollouts done
  double kl_coef;

  PpoState(PpoModels& models, const PpoConfig& config);
};

/// Texts of a rollout beside its ids, for reward functions and samples.
struct RolloutTexts {
  std::vector<std::string> prompts, responses, records;  ///< [B] each
};

/// One step, in the order of the paper; each stage returns its own record.
Rollout generate_rollout(PpoModels& models, std::span<const PromptSample* const> prompts, const PpoConfig& config,
                         const TokenIds& stop_ids, std::int64_t step);
RolloutTexts decode_rollout(const PpoModels& models, const Rollout& rollout,
                            std::span<const PromptSample* const> prompts);
/// ref_logprobs, values and scores (missing-EOS rule applied).
ScoredRollout score_rollout(PpoModels& models, Rollout rollout, const RolloutTexts& texts, const PpoConfig& config,
                            const PpoPlan& plan);
/// r_t = −kl_coef·(logp − ref) + [t last]·score, whitened if asked; GAE; advantages whitened if asked.
PpoBatch make_ppo_batch(const ScoredRollout& scored, const PpoOptions& options, double kl_coef);
/// num_ppo_epochs × num_mini_batches optimizer steps of policy and value model, with learning rates times `lr_factor`.
Metrics update_policy_and_value(PpoModels& models, PpoState& state, const ScoredRollout& scored, const PpoBatch& batch,
                                const PpoConfig& config, const PpoPlan& plan, double lr_factor);

/// What a step leaves behind for logs and samples.
struct PpoStepResult {
  Metrics metrics;
  ScoredRollout scored;
  RolloutTexts texts;
};
/// All of the above; one prompt per sequence in `prompts` (a prompt sampled G times stands there G times).
PpoStepResult ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                       const TokenIds& stop_ids, const PpoConfig& config, const PpoPlan& plan);

}  // namespace rlhf
