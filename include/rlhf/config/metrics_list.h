#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/const_text.h"
#include "rlhf/config/stage.h"

/// The metrics of all stages. eval.best_by with its check and --help, and the better direction of a metric, are derived
/// from this list; tests compare docs/metrics.md and the metrics.jsonl of runs with it. Standard library only.
namespace rlhf {

enum class Better { higher, lower };

/// The stages that write a metric.
enum class MetricStages : unsigned {
  sft = 1,
  reward_model = 2,
  ppo = 4,
  dpo = 8,
  pairs = 10,
  supervised = 11,
  all = 15
};
constexpr bool includes(MetricStages stages, Stage stage) {
  return (static_cast<unsigned>(stages) >> static_cast<unsigned>(stage) & 1U) != 0;
}

struct MetricInfo {
  std::string_view name;
  MetricStages stages;
  std::string_view unit;
  std::string_view what;
  std::optional<Better> better = {};  ///< nullopt: neither direction is better
  bool evaluated = false;             ///< evaluations write it too, with the prefix eval_
  bool conditional = false;           ///< absent in steps in which it is not defined
};

// clang-format off
/// In the order of docs/metrics.md.
inline constexpr MetricInfo kMetrics[] = {
    {.name = "loss", .stages = MetricStages::sft, .unit = "nats per label token",
     .what = "Σ nll / label tokens of the optimizer step", .better = Better::lower, .evaluated = true},
    {.name = "mean_token_accuracy", .stages = MetricStages::sft, .unit = "share",
     .what = "label tokens that are the most likely token", .better = Better::higher, .evaluated = true},
    {.name = "entropy", .stages = MetricStages::sft, .unit = "nats per label token",
     .what = "entropy of the predicted distribution", .evaluated = true},

    {.name = "loss", .stages = MetricStages::reward_model, .unit = "nats per pair",
     .what = "−log σ(chosen − rejected − margin), or the loss that reward_model.loss chooses; for rankings first "
             "averaged over their pairs, here and below",
     .better = Better::lower, .evaluated = true},
    {.name = "centering_loss", .stages = MetricStages::reward_model, .unit = "nats per pair",
     .what = "reward_model.centering · (chosen + rejected)², added to the loss in training; absent if centering is 0",
     .evaluated = true, .conditional = true},
    {.name = "accuracy", .stages = MetricStages::reward_model, .unit = "share of pairs",
     .what = "chosen scores above rejected", .better = Better::higher, .evaluated = true},
    {.name = "margin", .stages = MetricStages::reward_model, .unit = "reward units",
     .what = "mean of chosen − rejected", .better = Better::higher, .evaluated = true},
    {.name = "min_reward", .stages = MetricStages::reward_model, .unit = "reward units",
     .what = "lowest score of the step, not centred", .evaluated = true},
    {.name = "mean_reward", .stages = MetricStages::reward_model, .unit = "reward units",
     .what = "mean score of the step, not centred", .evaluated = true},
    {.name = "max_reward", .stages = MetricStages::reward_model, .unit = "reward units",
     .what = "highest score of the step, not centred", .evaluated = true},
    {.name = "num_pairs", .stages = MetricStages::reward_model, .unit = "pairs", .what = "of this step"},

    {.name = "loss", .stages = MetricStages::dpo, .unit = "",
     .what = "the loss that dpo.loss chooses, mean over pairs; for rankings first averaged over their pairs, here and "
             "below; single completions count like pairs",
     .better = Better::lower, .evaluated = true},
    {.name = "rewards/accuracies", .stages = MetricStages::dpo, .unit = "share of pairs",
     .what = "chosen has a higher reward than rejected; absent without pairs", .better = Better::higher,
     .evaluated = true, .conditional = true},
    {.name = "rewards/margins", .stages = MetricStages::dpo, .unit = "reward units",
     .what = "rewards/chosen − rewards/rejected; absent without one of them", .better = Better::higher,
     .evaluated = true, .conditional = true},
    {.name = "rewards/chosen", .stages = MetricStages::dpo, .unit = "reward units",
     .what = "β·log(π/π_ref) of the chosen or desirable completion; simpo and orpo: β·log π per token; absent without "
             "such completions, here and below",
     .evaluated = true, .conditional = true},
    {.name = "rewards/rejected", .stages = MetricStages::dpo, .unit = "reward units",
     .what = "the same of the rejected or undesirable completion", .evaluated = true, .conditional = true},
    {.name = "logps/chosen", .stages = MetricStages::dpo, .unit = "nats per sequence",
     .what = "log-probability of the chosen or desirable completion", .evaluated = true, .conditional = true},
    {.name = "logps/rejected", .stages = MetricStages::dpo, .unit = "nats per sequence",
     .what = "log-probability of the rejected or undesirable completion", .evaluated = true, .conditional = true},
    {.name = "kl", .stages = MetricStages::dpo, .unit = "nats per sequence",
     .what = "estimate of the KL to the reference in the loss kto; absent for the other losses", .evaluated = true,
     .conditional = true},
    {.name = "num_pairs", .stages = MetricStages::dpo, .unit = "pairs", .what = "of this step; absent without pairs",
     .conditional = true},

    {.name = "grad_norm", .stages = MetricStages::supervised, .unit = "", .what = "global norm before clipping"},
    {.name = "learning_rate", .stages = MetricStages::supervised, .unit = "", .what = "of this step"},
    {.name = "aux_loss", .stages = MetricStages::all, .unit = "",
     .what = "load-balancing loss of the routers, without its weight; for rlhf-ppo of the policy, mean over updates; absent "
             "without experts", .conditional = true},
    {.name = "num_tokens", .stages = MetricStages::all, .unit = "tokens",
     .what = "of the samples of all steps so far; PPO: of the prompts and responses trained on, once for all epochs, "
             "without data.ptx"},

    {.name = "objective/scores", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "mean centred score, after the missing-EOS rule, the scaling, the clipping and the penalty on agreement", .better = Better::higher,
     .evaluated = true},
    {.name = "objective/kl", .stages = MetricStages::ppo, .unit = "nats per sequence",
     .what = "Σ (logp − ref) of the sampled tokens, mean over responses (k1)", .evaluated = true},
    {.name = "objective/entropy", .stages = MetricStages::ppo, .unit = "nats per sequence",
     .what = "−Σ logp of the sampled tokens"},
    {.name = "objective/non_score_reward", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "−kl_coef · kl"},
    {.name = "objective/rlhf_reward", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "scores + non_score_reward, the optimised quantity", .better = Better::higher, .evaluated = true},
    {.name = "objective/kl_coef", .stages = MetricStages::ppo, .unit = "", .what = "weight of the KL in this rollout"},
    {.name = "objective/clipped_scores", .stages = MetricStages::ppo, .unit = "responses",
     .what = "responses whose score was clipped; absent without reward.clip_range", .conditional = true},
    {.name = "objective/score_scale", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "running standard deviation by which the scores were divided; absent without reward.scaling",
     .conditional = true},
    {.name = "objective/held_out_scores", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "mean score of model.eval_reward, only in evaluations; absent without it", .better = Better::higher,
     .evaluated = true, .conditional = true},
    {.name = "objective/held_out_peak_kl", .stages = MetricStages::ppo, .unit = "nats per sequence",
     .what = "KL at which the fit d·(α − β·ln d), d = √KL, of the held-out scores so far minus the first is highest, which "
             "may be ahead; absent if it has no maximum, or before three evaluations with a KL of at least 0.01", .evaluated = true, .conditional = true},
    {.name = "objective/scores_spread", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "mean standard deviation of the scores of model.reward and model.reward_ensemble; absent without an ensemble",
     .evaluated = true, .conditional = true},
    {.name = "objective/agreement", .stages = MetricStages::ppo, .unit = "share of responses",
     .what = "of the responses to prompts with a belief, those that agree with it; absent without such prompts",
     .evaluated = true, .conditional = true},
    {.name = "objective/agreement_penalty", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "mean over all responses of what reward.agreement_penalty subtracted from the scores", .evaluated = true,
     .conditional = true},
    {.name = "objective/agreement_weight", .stages = MetricStages::ppo, .unit = "reward units",
     .what = "λ, the penalty of a response that agrees: reward.agreement_penalty, or its estimate", .conditional = true},
    {.name = "policy/approxkl_avg", .stages = MetricStages::ppo, .unit = "nats per token",
     .what = "½·(logp − old)², old: before the first update on the rollout, mean over tokens and updates, also the one "
             "that ppo.target_kl left out; 0 with one update per rollout", .conditional = true},
    {.name = "policy/clipfrac_avg", .stages = MetricStages::ppo, .unit = "share of tokens",
     .what = "tokens where the clipped branch is active", .conditional = true},
    {.name = "policy/entropy_avg", .stages = MetricStages::ppo, .unit = "nats per token",
     .what = "entropy of the full distribution", .conditional = true},
    {.name = "policy/num_updates", .stages = MetricStages::ppo, .unit = "optimizer steps",
     .what = "of the policy on this rollout: ppo.num_ppo_epochs · ppo.num_mini_batches, or as many as were made before "
             "ppo.target_kl was exceeded",
     .conditional = true},
    {.name = "policy/grad_norm", .stages = MetricStages::ppo, .unit = "",
     .what = "before clipping, last optimizer step of the rollout", .conditional = true},
    {.name = "critic/grad_norm", .stages = MetricStages::ppo, .unit = "", .what = "the same for the value model",
     .conditional = true},
    {.name = "loss/policy_avg", .stages = MetricStages::ppo, .unit = "",
     .what = "clipped surrogate without the entropy bonus, mean over tokens and updates", .conditional = true},
    {.name = "loss/kl_avg", .stages = MetricStages::ppo, .unit = "nats per token",
     .what = "the KL estimate in the loss, mean over tokens and updates; only with ppo.kl_in: loss", .conditional = true},
    {.name = "loss/ptx_avg", .stages = MetricStages::ppo, .unit = "nats per label token",
     .what = "−log-probability of the samples of data.ptx, mean over updates; absent without ppo.ptx_coef", .better = Better::lower,
     .conditional = true},
    {.name = "loss/value_avg", .stages = MetricStages::ppo, .unit = "", .what = "mean over tokens and updates",
     .better = Better::lower, .conditional = true},
    {.name = "val/ratio", .stages = MetricStages::ppo, .unit = "", .what = "mean of π/π_old over tokens and updates",
     .conditional = true},
    {.name = "val/ratio_var", .stages = MetricStages::ppo, .unit = "",
     .what = "variance of π/π_old over tokens and updates", .conditional = true},
    {.name = "val/clipfrac_avg", .stages = MetricStages::ppo, .unit = "share of tokens",
     .what = "tokens where the clipped branch of the value loss is active", .conditional = true},
    {.name = "val/num_eos_tokens", .stages = MetricStages::ppo, .unit = "responses",
     .what = "responses that ended with EOS or a text of rollout.stop"},
    {.name = "critic/explained_variance", .stages = MetricStages::ppo, .unit = "≤ 1",
     .what = "1 − Var(returns − values) / Var(returns) on the rollout; absent if the returns are constant",
     .better = Better::higher, .conditional = true},
    {.name = "rollout/logprob_diff", .stages = MetricStages::ppo, .unit = "nats per token",
     .what = "mean absolute difference between the sampler's and the training path's log-probabilities",
     .better = Better::lower, .conditional = true},
    {.name = "rollout/response_length", .stages = MetricStages::ppo, .unit = "tokens", .what = "mean",
     .evaluated = true},
    {.name = "rollout/ended", .stages = MetricStages::ppo, .unit = "share of responses",
     .what = "responses that ended with EOS or a text of rollout.stop", .evaluated = true},
    {.name = "rollout/equal_groups", .stages = MetricStages::ppo, .unit = "share of prompts",
     .what = "prompts whose responses all have the same score, from which an advantage that compares them learns "
             "nothing; absent with one response per prompt", .better = Better::lower, .conditional = true},
    {.name = "rollout/refilled_prompts", .stages = MetricStages::ppo, .unit = "prompts",
     .what = "sampled in further rounds in place of those with equal scores; absent without rollout.refill_equal_groups",
     .conditional = true},
    {.name = "rollout/repetition", .stages = MetricStages::ppo, .unit = "share of 4-grams",
     .what = "4-grams of tokens that the response already had (seq-rep-4), mean over responses of at least 4 tokens; absent if "
             "there is none", .evaluated = true, .conditional = true},
    {.name = "rollout/extra_forwards", .stages = MetricStages::ppo, .unit = "sequences",
     .what = "forward passes that computed only old log-probabilities"},
    {.name = "episode", .stages = MetricStages::ppo, .unit = "responses", .what = "trained on so far"},
    {.name = "lr", .stages = MetricStages::ppo, .unit = "", .what = "learning rate of the policy", .conditional = true},

    {.name = "perf/tokens_per_second", .stages = MetricStages::all, .unit = "tokens per second",
     .what = "useful tokens; PPO: prompt and response tokens over the whole step", .better = Better::higher},
    {.name = "perf/pairs_per_second", .stages = MetricStages::pairs, .unit = "pairs per second",
     .what = "rlhf-rm and rlhf-dpo", .better = Better::higher, .conditional = true},
    {.name = "perf/peak_memory_bytes", .stages = MetricStages::all, .unit = "bytes",
     .what = "highest resident memory of the process; on CUDA the highest allocation on the device",
     .better = Better::lower},
    {.name = "time/step_seconds", .stages = MetricStages::all, .unit = "seconds",
     .what = "one optimizer step (PPO: one rollout with its updates)", .better = Better::lower},
    {.name = "time/slowest_rank_seconds", .stages = MetricStages::all, .unit = "seconds",
     .what = "work of the slowest rank in a step, without waiting for others; absent with one process",
     .better = Better::lower, .conditional = true},
    {.name = "time/rollout_seconds", .stages = MetricStages::ppo, .unit = "seconds", .what = "sampling of a PPO step",
     .better = Better::lower},
    {.name = "time/score_seconds", .stages = MetricStages::ppo, .unit = "seconds", .what = "rewards of a PPO step",
     .better = Better::lower},
    {.name = "time/update_seconds", .stages = MetricStages::ppo, .unit = "seconds", .what = "updates of a PPO step",
     .better = Better::lower},
};
// clang-format on

inline constexpr std::string_view kEvalPrefix = "eval_";
/// Before the name of an item of reward.terms, and before "model": its mean score. These metrics are not in the list.
inline constexpr std::string_view kTermPrefix = "reward/";

/// The metric that a stage writes as `name` in a step ("loss") or an evaluation ("eval_loss"), or nullptr.
constexpr const MetricInfo* find_metric(Stage stage, std::string_view name) {
  const bool in_eval = name.starts_with(kEvalPrefix);
  if (in_eval) name.remove_prefix(kEvalPrefix.size());
  for (const MetricInfo& info : kMetrics)
    if (info.name == name && includes(info.stages, stage) && (info.evaluated || !in_eval)) return &info;
  return nullptr;
}

/// The better direction of a metric; nullopt if there is none or if the stage does not write the metric.
constexpr std::optional<Better> better_of(Stage stage, std::string_view name) {
  const MetricInfo* info = find_metric(stage, name);
  return info == nullptr ? std::nullopt : info->better;
}

/// The metrics that can select the best evaluation of a stage (eval.best_by).
inline std::vector<std::string> best_by_names(Stage stage) {
  std::vector<std::string> names;
  for (const MetricInfo& info : kMetrics)
    if (info.evaluated && info.better && includes(info.stages, stage))
      names.push_back(std::string(kEvalPrefix) + std::string(info.name));
  return names;
}

/// The same for --help: "eval_loss, eval_accuracy (rlhf-rm)".
constexpr void add_best_by(ConstText& text, Stage stage) {
  text.start_list();
  for (const MetricInfo& info : kMetrics) {
    if (!info.evaluated || !info.better || !includes(info.stages, stage)) continue;
    text.add_item(kEvalPrefix).add(info.name);
  }
  text.add(" (").add(tool_of(stage)).add(")");
}

}  // namespace rlhf
