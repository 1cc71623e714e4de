// The metrics of a PPO step.
#include <algorithm>
#include <string>

#include "rlhf/config/metrics_list.h"
#include "rlhf/train/ppo.h"

namespace rlhf {

namespace {

double share_ended(const Rollout& rollout) {
  const auto ended = std::count(rollout.finish.begin(), rollout.finish.end(), Finish::stop);
  return static_cast<double>(ended) / static_cast<double>(rollout.finish.size());
}

double mean_length(const Rollout& rollout) {
  return static_cast<double>(rollout.responses.total()) / static_cast<double>(rollout.finish.size());
}

}  // namespace

Metrics PpoStep::metrics() const {
  const auto responses = static_cast<double>(scored.rollout.finish.size());
  Metrics named{{"objective/kl", kl},
                {"objective/entropy", sampled_entropy},
                {"objective/non_score_reward", -kl_coef * kl},
                {"objective/rlhf_reward", score - kl_coef * kl},
                {"objective/scores", score},
                {"objective/kl_coef", kl_coef},
                {"val/num_eos_tokens", share_ended(scored.rollout) * responses},
                {"rollout/response_length", mean_length(scored.rollout)},
                {"rollout/ended", share_ended(scored.rollout)},
                {"rollout/extra_forwards", static_cast<double>(extra_forwards)},
                {"episode", static_cast<double>(episode)},
                {"time/rollout_seconds", rollout_seconds},
                {"time/score_seconds", score_seconds},
                {"time/update_seconds", update_seconds}};
  if (clipped_scores) named.set("objective/clipped_scores", static_cast<double>(*clipped_scores));
  for (const TermMean& term : terms) named.set(std::string(kTermPrefix) + term.name, term.mean);
  if (score_scale) named.set("objective/score_scale", *score_scale);
  if (scores_spread) named.set("objective/scores_spread", *scores_spread);
  if (const auto share = agreement.share()) {
    named.set("objective/agreement", *share);
    named.set("objective/agreement_penalty", agreement_weight * static_cast<double>(agreement.agreeing) / responses);
    named.set("objective/agreement_weight", agreement_weight);
  }
  if (equal_groups) named.set("rollout/equal_groups", *equal_groups);
  if (refilled) named.set("rollout/refilled_prompts", static_cast<double>(*refilled));
  if (const auto mean = sum_repetition(scored.responses).mean()) named.set("rollout/repetition", *mean);
  if (value_updated) named.add(value_metrics());
  if (policy_updated) named.add(policy_metrics());
  return named;
}

Metrics PpoStep::value_metrics() const {
  Metrics named{{"loss/value_avg", value_mean(kValueLoss)},
                {"val/clipfrac_avg", value_mean(kValueClipped)},
                {"critic/grad_norm", value_grad_norm}};
  if (explained_variance) named.set("critic/explained_variance", *explained_variance);
  return named;
}

Metrics PpoStep::policy_metrics() const {
  Metrics named{{"policy/approxkl_avg", policy_mean(kApproxKl)},
                {"policy/clipfrac_avg", policy_mean(kPolicyClipped)},
                {"policy/entropy_avg", policy_mean(kEntropy)},
                {"policy/num_updates", static_cast<double>(policy_updates)},
                {"policy/grad_norm", policy_grad_norm},
                {"loss/policy_avg", policy_mean(kPolicyLoss)},
                {"val/ratio", policy_mean(kRatio)},
                {"val/ratio_var", std::max(0.0, policy_mean(kRatioSquare) - policy_mean(kRatio) * policy_mean(kRatio))},
                {"rollout/logprob_diff", logprob_diff},
                {"lr", lr}};
  if (router_loss) named.set("aux_loss", *router_loss);
  if (has_ptx) named.set("loss/ptx_avg", sums[kPtxLoss] / static_cast<double>(policy_updates));
  if (kl_in_loss) named.set("loss/kl_avg", policy_mean(kKlPenalty));
  return named;
}

Metrics PpoStep::headline() const {
  Metrics named{{"objective/scores", score},
                {"objective/kl", kl},
                {"rollout/response_length", mean_length(scored.rollout)},
                {"rollout/ended", share_ended(scored.rollout)}};
  if (const auto share = agreement.share()) named.set("objective/agreement", *share);
  return named;
}

}  // namespace rlhf
