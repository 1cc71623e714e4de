#pragma once

#include <cstdint>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "rlhf/tensor/check_shape.h"

namespace rlhf {

/// Checks a vector of `size` floating-point numbers (any size if -1) on `device`.
inline void check_vector(const at::Tensor& tensor, std::string_view name, std::int64_t size, at::Device device) {
  check_shape(tensor, name, {size});
  check_floating(tensor, name);
  check_device(tensor, name, device);
}

/// The same, and on a CPU also that every number is finite; on a GPU this would synchronise with the device.
inline void check_numbers(const at::Tensor& tensor, std::string_view name, std::int64_t size, at::Device device) {
  check_vector(tensor, name, size, device);
  if (tensor.is_cpu() && tensor.numel() > 0) check_finite(tensor, name);
}

}  // namespace rlhf
