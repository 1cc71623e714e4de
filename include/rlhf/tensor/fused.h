#pragma once

#include <utility>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {

/// The operations for which there may be a fused kernel. Next to each kernel is the same computation with LibTorch's
/// operators.
enum class Fused {
  add_to,            ///< sum += tensor, where the sum has a wider dtype
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

/// Whether there is a fused kernel of `operation` for the device and dtype of `x`. Callers check this and not the
/// device, so that kernels for another device only need changes here and in the operator that calls them. At present
/// there are kernels of all operations for float32 and bfloat16 on a CPU (room `kernels`), and none for other tensors.
bool has_fused(Fused operation, const at::Tensor& x);

/// Whether LibTorch's operator for packed sequences, at::_flash_attention_forward, computes queries like `q` [N,H,E]:
/// on CUDA (sm_80 and newer) those in bfloat16 and float16 whose width E is a multiple of 8 and at most 256.
bool has_varlen_attention(const at::Tensor& q);

/// Whether packed attention on `device` supports prefixes (tensor/packed_batch.h, Piece).
bool attends_to_prefixes(at::Device device);

/// Pointer to the elements of a dense tensor, for kernels; null for an undefined tensor.
template <typename T>
const T* elements(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <typename T>
T* mutable_elements(const at::Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

/// Calls body(T()) with the element type T of `x`, float or BFloat16. Throws ShapeError for other types.
template <typename Body>
void with_element_type(const at::Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat) return body(float());
  check_dtype(x, "tensor", at::kBFloat16);
  body(BFloat16());
}

}  // namespace rlhf
