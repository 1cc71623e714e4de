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

/// The mean score of a part of a reward over the responses of a request, before its weight.
struct TermMean {
  std::string name;
  double mean = 0;
};

/// The input of a reward source: the sampled token ids, and the same responses as text.
struct RewardRequest {
  const Rollout& rollout;
  std::span<const ResponseRecord> responses;  ///< [B]
  WorkCounters* work = nullptr;               ///< if not null, the work of scoring is added to it
  std::vector<float>* spread = nullptr;       ///< [B], if not null: set by an ensemble to what its members disagree by
  std::vector<TermMean>* terms = nullptr;     ///< if not null: set by a sum of rewards (reward_terms.h)
};

/// A source of scores: a reward model, a C++ function, or your own implementation.
class RewardSource {
 public:
  virtual ~RewardSource() = default;
  /// Returns one score per response, [B]. The caller throws NumericsError if a score is not finite. Of several ranks
  /// each asks its own source for a part of a rollout, so a score must not depend on the other responses of the
  /// request.
  virtual std::vector<float> score(const RewardRequest& request) = 0;
};

/// The scores of a reward model minus its reward_mean, in forward passes of at most `micro_batch_tokens` tokens. Keeps
/// a reference to the model. Throws ArgumentError for a limit below 1.
std::unique_ptr<RewardSource> reward_from_model(ScalarModel& model, std::int64_t micro_batch_tokens);
/// μ − c·s of the scores of several sources: μ their mean, s their standard deviation √(Σ (r_k − μ)² / K), which is the
/// spread of the request; c = `spread_penalty`. Coste et al., "Reward model ensembles help mitigate overoptimization"
/// (arXiv:2310.02743). Errors: ArgumentError for no member and c < 0.
std::unique_ptr<RewardSource> reward_from_ensemble(std::vector<std::unique_ptr<RewardSource>> members,
                                                   double spread_penalty);
/// A C++ function that scores one response; ArgumentError if it is empty.
using RewardFunction = std::function<float(const ResponseRecord&)>;
std::unique_ptr<RewardSource> reward_from_function(RewardFunction function);

}  // namespace rlhf
