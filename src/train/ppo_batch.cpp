// From scores and values to the targets of a PPO update.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/group_advantages.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/train/ppo.h"

namespace rlhf {
namespace {

at::Tensor rewards_of(const ScoredRollout& scored, const PpoOptions& options, double kl_coef) {
  const Rollout& rollout = scored.rollout;
  const at::Tensor kl = kl_estimate(rollout.logprobs, scored.ref_logprobs, options.kl_estimator);
  const at::Tensor rewards =
      token_rewards(kl, scored.scores, rollout.responses, options.kl_in == KlPlace::reward ? kl_coef : 0);
  return options.whiten_rewards ? whiten(rewards, compute_moments(rewards), false) : rewards;
}

}  // namespace

PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef, std::int64_t samples_per_prompt) {
  const at::NoGradGuard no_gradient;
  const Segments& responses = scored.rollout.responses;
  const at::Tensor rewards = rewards_of(scored, options, kl_coef);
  PpoBatch batch;
  if (options.has_value_model()) {
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
