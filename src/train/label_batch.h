#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "rlhf/data/samples.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/train/trainee.h"

namespace rlhf {

/// How run_labels() computes.
struct LabelPass {
  std::int64_t micro_batch_tokens = 0;
  LogprobOptions logprobs;
  std::optional<double> weight;  ///< also adds the gradient of weight · mean −log-probability of all labels
  bool balances_routers = true;  ///< with the loss of CausalLM::set_router_loss()
  const Ranks& ranks = one_rank();
  Trainee* trained = nullptr;  ///< whose gradients are sent to the other ranks after the last pass, and during it
};

/// Computes the log-probabilities of the labels of `samples`, micro-batch by micro-batch, and passes those of each to
/// `take`; only the part of this rank. Adds its work to `work` and returns the number of all labels.
std::int64_t run_labels(CausalLM& model, const std::vector<const Sample*>& samples, const LabelPass& pass,
                        WorkCounters& work, const std::function<void(const Logprobs&)>& take);

}  // namespace rlhf
