#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/algo/running_moments.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/method.h"
#include "rlhf/train/on_policy.h"
#include "rlhf/train/ptx.h"

namespace rlhf {

/// PPO (rlhf-ppo): trains config.model.policy to maximise the scores of `reward`, or of the reward model
/// config.model.reward if `reward` is null, with a KL penalty. Writes final/ and, with a value model, final-value/.
/// Errors: like train_sft.
RunSummary train_ppo(const PpoConfig& config, const RunOptions& options = {}, RewardSource* reward = nullptr);

/// The models of a PPO step, for your own trainers. Holds references.
struct PpoModels {
  CausalLM& policy;
  CausalLM& reference;  ///< not trained
  ScalarModel* value;   ///< null unless ppo.advantage is gae
  RewardSource& reward;
  const Tokenizer* tokenizer = nullptr;  ///< decodes responses for rewards and samples; if null, texts are empty
  const PtxMix* ptx = nullptr;           ///< needed if ppo.ptx_coef is above 0
  const Ranks& ranks = one_rank();       ///< share the work; all have the same weights
};

/// The state that changes from step to step and is saved in checkpoints.
struct PpoState {
  Trainee policy;
  std::optional<Trainee> value;  ///< if there is a value model
  double kl_coef;
  RunningMoments score_moments;  ///< of all scores so far, for reward.scaling

  PpoState(PpoModels& models, const PpoConfig& config);
};

/// The targets of the update, float32.
struct PpoBatch {
  at::Tensor advantages;           ///< [R]
  at::Tensor old_values, returns;  ///< [R], with ScorePosition::after_eos [R']; undefined without a value model
};
/// Computes rewards r_t = [t last]·score − kl_coef·kl_t, kl_t by options.kl_estimator, or without the KL if it is in
/// the loss, and from these the advantages by options.advantage:
///   gae: compute_gae with `values` [R], which also gives the returns;
///   rloo, grpo, dr_grpo: group_advantages of Σ_t r_t, the same for all tokens of a response;
///   reinforce_plus_plus: A_t = Σ_{s≥t} γ^{s−t}·r_s (arXiv:2501.03262).
/// With ScorePosition::after_eos the score of a response that ended is the reward of its row after the end. Then
/// `after_end` is add_rows_after_end(scored.rollout), and `values`, old_values and returns are those of its R' rows;
/// otherwise it is null.
/// Whitens rewards and advantages if the options say so. `values` is undefined without a value model. The
/// `samples_per_prompt` responses to a prompt are adjacent. Errors: those of the functions, and ArgumentError if
/// `after_end` is missing or not needed.
PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef, std::int64_t samples_per_prompt, const RowsAfterEnd* after_end = nullptr);

/// The record of one PPO step.
struct PpoStep : StepRecord {
  /// The sums over the response tokens of all updates of the step.
  enum Sum {
    kPolicyLoss,
    kPolicyClipped,
    kApproxKl,
    kRatio,
    kRatioSquare,
    kEntropy,
    kKlPenalty,
    kPtxLoss,  ///< the exception: sum over the updates
    kValueLoss,
    kValueClipped,
    kNumSums
  };

  ScoredRollout scored;
  std::int64_t episode = 0;                    ///< number of responses trained on so far
  double kl = 0;                               ///< KL to the reference, nats per response
  double sampled_entropy = 0;                  ///< mean −log-probability of a response, nats
  double score = 0;                            ///< mean score of the responses
  std::optional<std::int64_t> clipped_scores;  ///< see Scores
  Agreement agreement;                         ///< see Scores
  std::optional<double> scores_spread;         ///< see Scores
  std::vector<TermMean> terms;                 ///< see Scores
  std::optional<double> score_scale;           ///< see Scores
  double agreement_weight = 0;                 ///< λ, reward.agreement_penalty
  std::optional<double> equal_groups;          ///< share of the prompts whose responses have the same score
  std::optional<std::int64_t> refilled;  ///< prompts of further rounds of sampling, with rollout.refill_equal_groups
  bool policy_updated = true;            ///< false in the first ppo.value_warmup_steps rollouts
  bool value_updated = true;             ///< false without a value model
  double kl_coef = 0;                    ///< the coefficient that this step used
  bool kl_in_loss = false;               ///< see ppo.kl_in
  bool has_ptx = false;                  ///< ppo.ptx_coef is above 0
  std::optional<double> explained_variance;  ///< of the returns by the old values; nullopt for constant returns
  std::array<double, kNumSums> sums{};
  double policy_tokens = 0, value_tokens = 0;  ///< numbers of response tokens that the sums are of
  std::int64_t policy_updates = 0;             ///< optimizer steps of the policy
  std::optional<double> router_loss;           ///< see CausalLM::take_router_loss(), mean over the backward passes
  double policy_grad_norm = 0, value_grad_norm = 0, lr = 0, logprob_diff = 0;
  std::int64_t extra_forwards = 0;  ///< sequences with a separate forward pass for their old log-probabilities
  double rollout_seconds = 0, score_seconds = 0, update_seconds = 0;

  Metrics metrics() const override;
  Metrics headline() const override;
  std::vector<nlohmann::ordered_json> samples() const override { return sample_lines(scored); }

 private:
  double policy_mean(Sum i) const { return sums[i] / policy_tokens; }
  double value_mean(Sum i) const { return sums[i] / value_tokens; }
  Metrics policy_metrics() const;
  Metrics value_metrics() const;
};

/// `count` further prompts for round `round` (from 1) of refilling a rollout: one entry per response, so each prompt is
/// there rollout.num_samples_per_prompt times in a row.
using RefillPrompts = std::function<std::vector<const PromptSample*>(std::int64_t round, std::int64_t count)>;

/// Runs one PPO step: rollout, scores, advantages, updates of policy and value model, KL coefficient. `prompts` has one
/// entry per response (a prompt with G samples has G entries). `refill` is needed with rollout.refill_equal_groups.
/// Throws ShapeError if it gives another number of prompts than asked for, and ArgumentError for a null pointer.
std::unique_ptr<PpoStep> ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                                  const TokenIds& stop_ids, const PpoConfig& config, std::int64_t micro_batch_tokens,
                                  const StepPosition& at, const RefillPrompts& refill = {});

}  // namespace rlhf
