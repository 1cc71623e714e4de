// From scores and values to the targets of a PPO update.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/group_advantages.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/train/ppo.h"

namespace rlhf {
namespace {

at::Tensor rewards_of(const at::Tensor& kl, const at::Tensor& scores, const Segments& responses,
                      const PpoOptions& options, double kl_coef) {
  const at::Tensor rewards = token_rewards(kl, scores, responses, options.kl_in == KlPlace::reward ? kl_coef : 0);
  return options.whiten_rewards ? whiten(rewards, compute_moments(rewards), false) : rewards;
}

}  // namespace

PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef, std::int64_t samples_per_prompt, const RowsAfterEnd* after_end) {
  const at::NoGradGuard no_gradient;
  const bool pays_after_end = options.pays_after_end();
  check_argument(pays_after_end == (after_end != nullptr), "after_end",
                 "add_rows_after_end(scored.rollout) with ppo.score_position: after_eos, and none without",
                 after_end != nullptr ? "one" : "none");
  const Segments& responses = (pays_after_end ? after_end->rollout : scored.rollout).responses;
  at::Tensor kl = kl_estimate(scored.rollout.logprobs, scored.ref_logprobs, options.kl_estimator);
  if (pays_after_end) kl = at::zeros_like(after_end->rollout.logprobs).index_copy(0, after_end->token_rows, kl);
  const at::Tensor rewards = rewards_of(kl, scored.scores, responses, options, kl_coef);
  PpoBatch batch;
  if (options.has_value_model()) {
    auto [advantages, returns] = compute_gae(rewards, values, responses, options.gamma, options.gae_lambda);
    batch = {pays_after_end ? advantages.index_select(0, after_end->token_rows) : advantages, values, returns};
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
