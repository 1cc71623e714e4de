// The pretraining loss that PPO-ptx adds to the updates of the policy.
#include "rlhf/train/ptx.h"

#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "label_batch.h"
#include "supervised.h"

namespace rlhf {

PtxMix::PtxMix(std::vector<Sample> samples, std::int64_t batch_size, std::uint64_t seed,
               std::int64_t micro_batch_tokens)
    : samples_(std::move(samples)), order_(samples_.size(), batch_size, seed), micro_batch_tokens_(micro_batch_tokens) {
  check_argument(micro_batch_tokens >= 1, "micro_batch_tokens", "at least 1", micro_batch_tokens);
}

at::Tensor PtxMix::backward(CausalLM& policy, std::int64_t number, double weight, WorkCounters& work) const {
  const std::vector<const Sample*> batch = pick(samples_, order_.batch(number));
  std::vector<std::int64_t> lengths;
  std::int64_t labels = 0;
  for (const Sample* sample : batch) {
    lengths.push_back(static_cast<std::int64_t>(sample->ids.size()));
    work.useful_tokens += lengths.back();
    labels += sample->num_labels();
  }
  const auto divisor = static_cast<double>(labels);
  at::Tensor loss = at::zeros({}, at::TensorOptions(policy.device()).dtype(at::kDouble));
  for_each_group(batch, lengths, micro_batch_tokens_, [&](const std::vector<const Sample*>& members) {
    LabelBatch part = make_label_batch(members, policy.device());
    part.packed.share = 0;  // the routers are balanced on the rollout
    const Logprobs result = backward_through_logprobs(
        policy.forward(part.packed, part.rows), policy.head(), part.targets, {.logit_cap = policy.logit_cap()},
        [&](const at::Tensor& logprobs, auto, auto) { return logprobs.sum().mul(-weight / divisor); });
    loss.sub_(result.logprobs.sum(at::kDouble).div(divisor));
    work.head_rows += result.head_rows;
  });
  work.label_rows += labels;
  work.processed_tokens += policy.take_processed_tokens();
  return loss;
}

}  // namespace rlhf
