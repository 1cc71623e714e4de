#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include <ATen/core/Tensor.h>

namespace rlhf {

struct LogprobOptions {
  double temperature = 1.0;               ///< logits are divided by it; must be > 0
  double logit_cap = 0;                   ///< before that they become logit_cap · tanh(logit / logit_cap); 0: no cap
  bool entropy = false;                   ///< also compute the entropy of each row's distribution
  bool correct = false;                   ///< also compute whether the target is the most likely token
  std::int64_t chunk_elements = 1 << 25;  ///< rows per chunk ≤ max(1, chunk_elements / V): bounds the largest temporary
};

/// cap · tanh(x / cap), or x if the cap is 0. Throws ArgumentError for a negative cap.
at::Tensor soft_cap(const at::Tensor& x, double cap);

struct Logprobs {
  at::Tensor logprobs;         ///< [R] fp32 (float64 for float64 input)
  at::Tensor entropy;          ///< [R] nats, same dtype; undefined unless requested
  at::Tensor correct;          ///< [R] bool, not differentiable; undefined unless requested
  std::int64_t head_rows = 0;  ///< rows of logits computed; the backward pass of linear_logprobs computes as many again
};

/// log softmax(cap(hidden · headᵀ) / temperature)[target] of each row, and the entropy, without storing [R,V].
///   logprob_i = z_i[t_i] − logsumexp_v z_i[v];  entropy_i = logsumexp_v z_i[v] − Σ_v softmax(z_i)_v z_i[v]
/// Rows are processed in chunks. The backward pass recomputes the logits of each chunk and computes the gradients of
/// `hidden` and `head`; the latter is accumulated in fp32 over the chunks and cast once at the end. Logprobs and
/// entropy are differentiable.
/// Shapes: hidden [R,D], head [V,D] of the same dtype (float32, bfloat16, float64), targets [R] int64.
/// Numerics: the product has the dtype of the input, everything after it float32 (float64 for float64).
/// Errors: ShapeError; ArgumentError for options out of range and, on a CPU, for a target outside [0,V).
Logprobs linear_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                         const LogprobOptions& options = {});

/// The scalar loss of the rows [begin,end) as a function of their log-probabilities, a leaf that requires a gradient.
using RowLoss = std::function<at::Tensor(const at::Tensor& logprobs, std::int64_t begin, std::int64_t end)>;

/// Computes linear_logprobs, a loss that is a sum over rows, and its backward pass together. The gradient of a chunk is
/// computed right after its log-probabilities, so the logits are computed only once. Adds to the gradients of `hidden`
/// and `head` and of everything they were computed from, like backward() (tensor/gradient.h). Results are detached.
/// If `entropy_weight` is not 0, entropy_weight · Σ entropy is added to the loss; options.entropy must be set.
///
/// `group_ends` is for a loss that is a sum over groups of rows, of which each needs all of its rows: the row after
/// each group, ascending, the last one R. A chunk then has whole groups, and is larger than options.chunk_elements says
/// if a group is. Errors: as above; also if the loss is not a scalar or does not depend on the log-probabilities;
/// ArgumentError for groups that do not cover the rows.
Logprobs backward_through_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   const LogprobOptions& options, const RowLoss& loss, double entropy_weight = 0,
                                   std::span<const std::int64_t> group_ends = {});

}  // namespace rlhf
