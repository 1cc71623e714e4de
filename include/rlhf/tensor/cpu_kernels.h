#pragma once

#include <utility>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// True where the room `kernels` has the arithmetic of this tensor: float32 and bfloat16 on a CPU. Elsewhere the same
/// is composed of LibTorch's operators.
inline bool has_kernels(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

/// Elements of a dense tensor as the kernels read them; null for an undefined tensor.
template <typename T>
const T* elements(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <typename T>
T* mutable_elements(const at::Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

/// body(T()) with the element type of `x`, a tensor that has kernels.
template <typename Body>
void with_element_type(const at::Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat) {
    body(float());
  } else {
    body(BFloat16());
  }
}

}  // namespace rlhf
