#include "ppo_metrics.h"

#include <algorithm>

#include <ATen/core/Tensor.h>

#include "rlhf/algo/kl.h"
#include "rlhf/algo/ppo_loss.h"
#include "rlhf/tensor/device.h"

namespace rlhf {

Metrics objective_metrics(const ScoredRollout& scored, const PpoBatch& batch, double kl_coef) {
  const Rollout& rollout = scored.rollout;
  const auto sequences = static_cast<double>(rollout.responses.count());
  const double kl = kl_k1(rollout.logprobs, scored.ref_logprobs).sum().item<double>() / sequences;
  const double score = scored.scores.mean().item<double>();
  Metrics metrics;
  metrics.set("objective/kl", kl);
  metrics.set("objective/entropy", -rollout.logprobs.sum().item<double>() / sequences);
  metrics.set("objective/non_score_reward", -kl_coef * kl);
  metrics.set("objective/rlhf_reward", score - kl_coef * kl);
  metrics.set("objective/scores", score);
  metrics.set("objective/kl_coef", kl_coef);
  metrics.set("val/num_eos_tokens",
              static_cast<double>(std::count(rollout.finish.begin(), rollout.finish.end(), Finish::stop)));
  metrics.set("rollout/response_length", static_cast<double>(rollout.responses.total()) / sequences);
  const ExplainedVariance explained = explained_variance(batch.old_values, batch.returns);
  if (explained.defined) metrics.set("critic/explained_variance", explained.value);
  return metrics;
}

void add_speed(Metrics& metrics, const Rollout& rollout, double rollout_seconds, double score_seconds,
               double update_seconds) {
  const double seconds = rollout_seconds + score_seconds + update_seconds;
  metrics.set("perf/tokens_per_second", static_cast<double>(rollout.batch.segments.total()) / seconds);
  metrics.set("perf/peak_memory_bytes", static_cast<double>(peak_memory_bytes(rollout.tokens.device())));
  metrics.set("time/rollout_seconds", rollout_seconds);
  metrics.set("time/score_seconds", score_seconds);
  metrics.set("time/update_seconds", update_seconds);
  metrics.set("time/step_seconds", seconds);
}

}  // namespace rlhf
