#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "rlhf/core/types.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

enum class Finish : std::uint8_t { stop, length };

/// One sampled answer.
struct Generation {
  TokenIds tokens;              ///< the stop id included if sampled
  std::vector<float> logprobs;  ///< same length
  Finish finish = Finish::length;
};

/// What is to be continued: ids and the random stream that belongs to this answer alone.
struct GenerationRequest {
  const TokenIds* prompt = nullptr;
  std::uint64_t stream = 0;
};

/// Samples an answer to every request, at most `max_rows` at a time, with a KV cache allocated once. Token t of a row
/// is drawn with uniform(seed, request.stream, t): an answer does not depend on its neighbours or their order (up to
/// the rounding of batched products). Finished rows leave the batch at once; where there are more requests than rows
/// they are filled again, an eighth of them at a time. Equal prompts that start together are computed once. Polls
/// stop_if_signalled(). What was done is added to `work` if given (but for processed_tokens, which the model counts).
/// `on_token(request, token)` is called for every token if given (streaming). Throws ModelError if
/// a prompt and max_new_tokens exceed the model's positions.
std::vector<Generation> generate(CausalLM& model, std::span<const GenerationRequest> requests,
                                 const SamplingOptions& options, std::int64_t max_rows,
                                 const std::function<void(std::size_t, std::int32_t)>& on_token = {},
                                 WorkCounters* work = nullptr);

}  // namespace rlhf
