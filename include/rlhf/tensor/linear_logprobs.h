#pragma once

#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

namespace rlhf {

struct LogprobOptions {
  double temperature = 1.0;  ///< logits are divided by it; must be > 0
  double logit_cap = 0;      ///< before that they become logit_cap · tanh(logit / logit_cap); 0: they stay
  bool entropy = false;      ///< also compute the entropy of each row's distribution
  bool correct = false;      ///< also say where the target is the likeliest token
  std::int64_t chunk_elements = 1 << 25;  ///< rows per chunk ≤ max(1, chunk_elements / V): bounds the largest temporary
};

/// cap · tanh(x / cap); x itself where the cap is 0.
at::Tensor soft_cap(const at::Tensor& x, double cap);

struct Logprobs {
  at::Tensor logprobs;         ///< [R] fp32 (float64 for float64 input)
  at::Tensor entropy;          ///< [R] nats, same dtype; undefined unless asked for
  at::Tensor correct;          ///< [R] bool, not differentiable; undefined unless asked for
  std::int64_t head_rows = 0;  ///< rows of logits that were made; the backward of linear_logprobs makes them once more
};

/// log softmax(cap(hidden · headᵀ) / temperature)[target] of each row, and the entropy, without ever holding [R,V].
///   logprob_i = z_i[t_i] − logsumexp_v z_i[v];  entropy_i = logsumexp_v z_i[v] − Σ_v softmax(z_i)_v z_i[v]
/// Rows go through in chunks; the backward recomputes each chunk's logits and writes gradients of `hidden` and `head`
/// (head's accumulated in fp32 over the chunks, cast once at the end). Logprobs and entropy are differentiable.
/// Shapes: hidden [R,D], head [V,D] of one dtype (float32, bfloat16, float64), targets [R] int64.
/// Numerics: the product runs in the input's dtype, everything after it in float32 (float64 for float64).
/// Errors: ShapeError.
Logprobs linear_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                         const LogprobOptions& options = {});

/// A scalar loss of rows [begin,end) from their log-probabilities, a leaf that wants a gradient.
using RowLoss = std::function<at::Tensor(const at::Tensor& logprobs, std::int64_t begin, std::int64_t end)>;

/// linear_logprobs, a loss that is a sum over rows, and its backward in one pass: the gradient of a chunk is known as
/// soon as its log-probabilities are, so its logits are computed once. Adds to the gradients of what `hidden` and
/// `head` came from, as hidden.backward() would (tensor/gradient.h). Results are detached.
Logprobs backward_through_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   const LogprobOptions& options, const RowLoss& loss);

}  // namespace rlhf
