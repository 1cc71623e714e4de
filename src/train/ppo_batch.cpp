// From scores and values to the targets of a PPO update.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/group_advantages.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/train/ppo.h"

namespace rlhf {
namespace {

at::Tensor kl_of(const ScoredRollout& scored, const PpoOptions& options) {
  return kl_estimate(scored.rollout.logprobs, scored.ref_logprobs, options.kl_estimator);
}

at::Tensor rewards_of(const at::Tensor& kl, const at::Tensor& scores, const Segments& responses,
                      const PpoOptions& options, double kl_coef) {
  const at::Tensor rewards = token_rewards(kl, scores, responses, options.kl_in == KlPlace::reward ? kl_coef : 0);
  return options.whiten_rewards ? whiten(rewards, compute_moments(rewards), false) : rewards;
}

/// GAE where each response that ended has a row more, in which its score is paid and no KL.
PpoBatch gae_with_score_after_eos(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                                  double kl_coef) {
  const auto [longer, token_rows] = add_rows_after_end(scored.rollout);
  const at::Tensor kl = at::zeros_like(longer.logprobs).index_copy(0, token_rows, kl_of(scored, options));
  const at::Tensor rewards = rewards_of(kl, scored.scores, longer.responses, options, kl_coef);
  auto [advantages, returns] = compute_gae(rewards, values, longer.responses, options.gamma, options.gae_lambda);
  return {advantages.index_select(0, token_rows), values, returns};
}

}  // namespace

PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef, std::int64_t samples_per_prompt) {
  const at::NoGradGuard no_gradient;
  const Segments& responses = scored.rollout.responses;
  const at::Tensor rewards = rewards_of(kl_of(scored, options), scored.scores, responses, options, kl_coef);
  PpoBatch batch;
  if (options.has_value_model() && options.score_position == ScorePosition::after_eos) {
    batch = gae_with_score_after_eos(scored, values, options, kl_coef);
  } else if (options.has_value_model()) {
    auto [advantages, returns] = compute_gae(rewards, values, responses, options.gamma, options.gae_lambda);
    batch = {advantages, values, returns};
  } else if (compares_samples(options.advantage)) {
    const at::Tensor sums = segment_sum(rewards, responses);  // [B]
    batch.advantages = segment_repeat(group_advantages(sums, samples_per_prompt, options.advantage), responses);
  } else {
    batch.advantages = compute_gae(rewards, at::zeros_like(rewards), responses, options.gamma, 1).advantages;
  }
  if (options.whitens_advantages())
    batch.advantages = whiten(batch.advantages, compute_moments(batch.advantages), true);
  return batch;
}

}  // namespace rlhf
