#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rlhf/core/types.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/rollout/rollout.h"

namespace rlhf {

/// What a reward source sees. Ids are what was sampled; text is their decoding.
struct RewardRequest {
  const Rollout& rollout;
  const std::vector<std::string>& prompts;    ///< [B] the records' prompts
  const std::vector<std::string>& responses;  ///< [B] decoded responses
  const std::vector<std::string>& records;    ///< [B] the records as JSON text
};

/// Where scores come from: a model, a C++ function, or anything that implements this.
class RewardSource {
 public:
  virtual ~RewardSource() = default;
  /// One score per sequence. Throws NumericsError upward if the caller finds one that is not finite.
  virtual std::vector<float> score(const RewardRequest& request) = 0;
};

/// score − reward_mean of a reward model, in forward passes of at most `micro_batch_tokens`. Keeps a reference.
std::unique_ptr<RewardSource> reward_from_model(ScalarModel& model, std::int64_t micro_batch_tokens);
/// A C++ function of (prompt, response, record as JSON text).
using RewardFunction = std::function<float(const std::string&, const std::string&, const std::string&)>;
std::unique_ptr<RewardSource> reward_from_function(RewardFunction function);

}  // namespace rlhf
