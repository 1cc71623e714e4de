#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/batch_order.h"
#include "rlhf/data/samples.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/train/trainee.h"

namespace rlhf {

/// The samples that PPO-ptx trains on beside its rollouts: each policy update adds γ times the mean −log-probability of
/// the labels of one batch of them. Source: Ouyang et al., "Training language models to follow instructions with human
/// feedback" (arXiv:2203.02155), eq. 2.
class PtxMix {
 public:
  /// Batches of `batch_size` in a random order that depends only on `seed`. ArgumentError if a size is below 1 or there
  /// is no sample.
  PtxMix(std::vector<Sample> samples, std::int64_t batch_size, std::uint64_t seed, std::int64_t micro_batch_tokens);

  /// Adds the gradient of weight · L of batch `number`, in micro-batches, and returns L in nats per label, a scalar on
  /// the device. Adds the work to `work`. Of several ranks each adds its part of gradient, L and work; if
  /// `trained` is given, its gradients are then sent to the others.
  at::Tensor backward(CausalLM& policy, std::int64_t number, double weight, WorkCounters& work,
                      const Ranks& ranks = one_rank(), Trainee* trained = nullptr) const;

 private:
  std::vector<Sample> samples_;
  BatchOrder order_;
  std::int64_t micro_batch_tokens_;
};

}  // namespace rlhf
