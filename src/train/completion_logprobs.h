#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "ranked_batch.h"

namespace rlhf {

/// A scalar loss of the log-probabilities of all tokens of completions, [C], that is a sum over samples.
using CompletionLoss = std::function<at::Tensor(const at::Tensor& logprobs)>;

/// The log-probabilities of the tokens of completions, [C]. With a `loss` also adds its gradient to those of the
/// weights, and computes logits once if those of every sample fit into a chunk, which are then held until its loss is
/// known; otherwise the backward pass computes them again.
Logprobs completion_logprobs(CausalLM& model, const CompletionBatch& batch, const CompletionLoss& loss,
                             LogprobOptions options = {});

/// The log-probability of each completion of `samples`, [texts] fp32 in their order, without a gradient. The ranks
/// share the work.
at::Tensor text_logprobs(CausalLM& model, const std::vector<const RankedSample*>& samples,
                         std::int64_t micro_batch_tokens, const Ranks& ranks);

}  // namespace rlhf
