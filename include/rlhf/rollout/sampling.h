#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <ATen/core/Tensor.h>

#include "rlhf/core/types.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

struct SamplingOptions {
  std::int64_t max_new_tokens = 64;
  double temperature = 1.0;  ///< 0: greedy, with log-probabilities at temperature 1
  double top_p = 1.0;        ///< in (0, 1], a share of the probability that top_k keeps
  std::int64_t top_k = 0;    ///< 0: keep all
  TokenIds stop_ids;         ///< a sampled stop id ends the response and is part of it
  TokenIds never;            ///< ids that are never sampled, ascending: those without a token (ids_without_token())
  /// Called after each token with the response so far; returning true ends the response. For stop strings.
  std::function<bool(const TokenIds&)> stops;
  std::uint64_t seed = 0;
};

/// The ids that end a response: the EOS ids of the model folder and of the tokenizer, and the token that ends a turn of
/// the chat template (EndOfTurn::id).
TokenIds stop_ids(const ModelFolder& folder, const Tokenizer& tokenizer,
                  std::optional<std::int32_t> end_of_turn = std::nullopt);

struct Sampled {
  at::Tensor tokens;    ///< [B] int64
  at::Tensor logprobs;  ///< [B] fp32: log softmax(logits / temperature) over the whole vocabulary
};

/// Draws one token per row: inverts the cumulative distribution of the kept tokens at one uniform number per row. Ids
/// in options.never are removed before the others are ranked; like those that top_k and top_p remove, they still count
/// in the log-probabilities, so that these are the ones of the training path. Shapes: logits [B,V] (any float dtype),
/// uniforms [B] fp32 in (0,1) (not read if greedy). Errors: ShapeError, ArgumentError, and, on a CPU, NumericsError if
/// a log-probability is not finite.
Sampled sample_tokens(const at::Tensor& logits, const at::Tensor& uniforms, const SamplingOptions& options);

}  // namespace rlhf
