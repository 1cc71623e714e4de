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

/// Why a response ended: a stop id or stop string, or max_new_tokens.
enum class Finish : std::uint8_t { stop, length };

/// One sampled response.
struct Generation {
  TokenIds tokens;              ///< includes the stop id, if one was sampled
  std::vector<float> logprobs;  ///< one per token
  Finish finish = Finish::length;
};

/// A prompt to continue, and the random stream of this response, which no other request may use.
struct GenerationRequest {
  const TokenIds* prompt = nullptr;
  std::uint64_t stream = 0;
};

/// Samples a response to every request, at most `max_rows` at a time, with a KV cache that is allocated once. Token t
/// of a response is drawn with random_uniform(seed, request.stream, t), so a response does not depend on the other
/// requests or their order (up to rounding in batched products). A finished row leaves the batch at once. If there are
/// more requests than rows, free rows are refilled when an eighth of the rows is free. Equal prompts that start
/// together are computed once. Calls `on_token(request, token)` for every token and `on_response(request, response)`
/// for every complete response, if given. Adds the work done to `work`, if given (except processed_tokens, which the
/// model counts). Polls stop_if_signalled(). Throws ModelError if a prompt plus max_new_tokens exceeds the positions of
/// the model, ShapeError for an empty prompt, and ArgumentError for options, rows or token ids out of range.
std::vector<Generation> generate(CausalLM& model, std::span<const GenerationRequest> requests,
                                 const SamplingOptions& options, std::int64_t max_rows,
                                 const std::function<void(std::size_t, std::int32_t)>& on_token = {},
                                 WorkCounters* work = nullptr,
                                 const std::function<void(std::size_t, const Generation&)>& on_response = {});

}  // namespace rlhf
