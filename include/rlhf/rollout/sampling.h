#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include <ATen/core/Tensor.h>

#include "rlhf/core/types.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

struct SamplingOptions {
  std::int64_t max_new_tokens = 64;
  double temperature = 1.0;  ///< 0: greedy, log-probabilities at temperature 1
  double top_p = 1.0;        ///< in (0, 1], of the mass that top_k leaves
  std::int64_t top_k = 0;    ///< 0: all
  TokenIds stop_ids;         ///< a sampled stop id ends the row and is part of it
  /// Asked after each token with the answer so far; true ends the row. For stop strings.
  std::function<bool(const TokenIds&)> stops;
  std::uint64_t seed = 0;
};

/// What ends an answer: the EOS ids of the model's folder, and the tokenizer's.
TokenIds stop_ids(const ModelFolder& folder, const Tokenizer& tokenizer);

struct Sampled {
  at::Tensor tokens;    ///< [B] int64
  at::Tensor logprobs;  ///< [B] fp32: log softmax(logits / temperature) over the whole vocabulary
};

/// Draws one token per row by inverting the cumulative distribution of the kept tokens with one uniform number per row.
/// Shapes: logits [B,V] (any float dtype), uniforms [B] fp32 in (0,1) (unused when greedy).
Sampled sample_tokens(const at::Tensor& logits, const at::Tensor& uniforms, const SamplingOptions& options);

}  // namespace rlhf
