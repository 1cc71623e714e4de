#pragma once

#include "rlhf/runs/metrics.h"
#include "rlhf/rollout/rollout.h"

namespace rlhf {

/// objective/*, val/num_eos_tokens, critic/explained_variance, kl_coef, response_length, episode count of one rollout.
Metrics objective_metrics(const ScoredRollout& scored, const PpoBatch& batch, double kl_coef);

/// time/* and perf/tokens_per_second (prompt and response tokens over the whole step), perf/peak_memory_bytes.
void add_speed(Metrics& metrics, const Rollout& rollout, double rollout_seconds, double score_seconds,
               double update_seconds);

}  // namespace rlhf
