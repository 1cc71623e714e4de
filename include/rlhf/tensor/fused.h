#pragma once

#include <utility>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// The operators that may have a fused kernel. Each has a plain twin, composed of LibTorch's operators, beside it.
enum class Fused {
  add_to,            ///< wider sum += tensor
  few_rows_linear,   ///< product with few rows, without a gradient
  logprobs,          ///< log-probabilities, entropy and their gradient from a chunk of logits
  norm,              ///< RMS norm with the residual sum before it
  gated_activation,  ///< silu(gate) · up
  rotary,            ///< rotation of queries and keys
  packed_attention,  ///< causal attention over packed sequences
  cached_attention,  ///< attention of one query per row over the KV cache
  embedding,         ///< rows of a table, whose gradient is added row by row
  sampling,          ///< one token per row of logits
  adamw,             ///< an optimizer step of one weight
};

/// True if there is a fused kernel of `operation` for the device and dtype of `x`. Callers ask this and never which
/// device it is, so kernels of another device are added here and in the operator that calls them.
/// Today: every operation for float32 and bfloat16 on a CPU (room `kernels`), none elsewhere.
bool has_fused(Fused operation, const at::Tensor& x);

/// True if packed attention on `device` can read a prefix that several sequences share (tensor/packed_batch.h, Piece).
bool attends_to_prefixes(at::Device device);

/// Elements of a dense tensor as the kernels read them; null for an undefined tensor.
template <typename T>
const T* elements(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <typename T>
T* mutable_elements(const at::Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

/// body(T()) with the element type of `x`, float32 or bfloat16.
template <typename Body>
void with_element_type(const at::Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat) {
    body(float());
  } else {
    body(BFloat16());
  }
}

}  // namespace rlhf
