#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rlhf/nn/scalar_model.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// What a reward source sees: the ids that were sampled, and the same as text.
struct RewardRequest {
  const Rollout& rollout;
  std::span<const ResponseRecord> responses;  ///< [B]
  WorkCounters* work = nullptr;               ///< gets the work of the scoring, if given
};

/// Where scores come from: a model, a C++ function, or anything that implements this.
class RewardSource {
 public:
  virtual ~RewardSource() = default;
  /// One score per response, [B]. The caller refuses scores that are not finite (NumericsError).
  virtual std::vector<float> score(const RewardRequest& request) = 0;
};

/// score − reward_mean of a reward model, in forward passes of at most `micro_batch_tokens`. Keeps a reference.
std::unique_ptr<RewardSource> reward_from_model(ScalarModel& model, std::int64_t micro_batch_tokens);
/// A C++ function of one response.
using RewardFunction = std::function<float(const ResponseRecord&)>;
std::unique_ptr<RewardSource> reward_from_function(RewardFunction function);

}  // namespace rlhf
