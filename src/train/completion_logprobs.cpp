// Log-probabilities of completions and the gradient of a loss of them.
#include "completion_logprobs.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include "ranked_samples.h"
#include "supervised.h"
#include "text_numbers.h"

namespace rlhf {
namespace {

std::int64_t largest_group(const std::vector<std::int64_t>& ends) {
  std::int64_t begin = 0, most = 0;
  for (const std::int64_t end : ends) most = std::max(most, end - std::exchange(begin, end));
  return most;
}

}  // namespace

Logprobs completion_logprobs(CausalLM& model, const CompletionBatch& batch, const CompletionLoss& loss,
                             LogprobOptions options) {
  const at::AutoGradMode gradient(loss != nullptr);
  options.logit_cap = model.logit_cap();
  const at::Tensor hidden = model.forward(batch.packed, batch.rows);  // [C,D]
  if (!loss) return linear_logprobs(hidden, model.head(), batch.targets, options);
  if (largest_group(batch.sample_end) * model.shape().vocab_size > options.chunk_elements) {
    Logprobs result = linear_logprobs(hidden, model.head(), batch.targets, options);
    loss(result.logprobs).backward();
    result.logprobs = result.logprobs.detach();
    return result;
  }
  const auto loss_of_chunk = [&](const at::Tensor& chunk, std::int64_t begin, std::int64_t end) {
    const at::Tensor others = at::zeros_like(batch.targets, chunk.options());  // their samples are constants here
    return loss(at::cat({others.slice(0, 0, begin), chunk, others.slice(0, end)}));
  };
  return backward_through_logprobs(hidden, model.head(), batch.targets, options, loss_of_chunk, /*entropy_weight=*/0,
                                   batch.sample_end);
}

at::Tensor text_logprobs(CausalLM& model, const std::vector<const RankedSample*>& samples,
                         std::int64_t micro_batch_tokens, const Ranks& ranks) {
  TextNumbers logprobs(samples, model.device());
  const auto run = [&](const std::vector<const RankedSample*>& members) {
    const CompletionBatch batch = make_completion_batch(members, model.device());
    logprobs.add(members, segment_sum(completion_logprobs(model, batch, nullptr).logprobs, batch.completions));
  };
  const RankedCounts counts = count(samples);
  for_each_group(samples, {counts.lengths, counts.completion_tokens}, micro_batch_tokens, model, run, ranks);
  return logprobs.of_all(ranks, "log-probabilities");
}

}  // namespace rlhf
