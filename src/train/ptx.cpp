// The pretraining loss that PPO-ptx adds to the updates of the policy.
#include "rlhf/train/ptx.h"

#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"

#include "label_batch.h"
#include "supervised.h"

namespace rlhf {

PtxMix::PtxMix(std::vector<Sample> samples, std::int64_t batch_size, std::uint64_t seed,
               std::int64_t micro_batch_tokens)
    : samples_(std::move(samples)), order_(samples_.size(), batch_size, seed), micro_batch_tokens_(micro_batch_tokens) {
  check_argument(micro_batch_tokens >= 1, "micro_batch_tokens", "at least 1", micro_batch_tokens);
}

at::Tensor PtxMix::backward(CausalLM& policy, std::int64_t number, double weight, WorkCounters& work,
                            const Ranks& ranks, Trainee* trained) const {
  at::Tensor sum = at::zeros({}, at::TensorOptions(policy.device()).dtype(at::kDouble));
  const LabelPass pass{.micro_batch_tokens = micro_batch_tokens_,
                       .logprobs = {.logit_cap = policy.logit_cap()},
                       .weight = weight,
                       .balances_routers = false,  // they are balanced on the rollout
                       .ranks = ranks,
                       .trained = trained};
  const std::int64_t labels = run_labels(policy, pick(samples_, order_.batch(number)), pass, work,
                                         [&](const Logprobs& result) { sum.sub_(result.logprobs.sum(at::kDouble)); });
  return sum.div_(static_cast<double>(labels));
}

}  // namespace rlhf
