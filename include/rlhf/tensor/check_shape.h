#pragma once

#include <initializer_list>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Throws ShapeError "name: expected [R], found [3, 4]" unless the tensor has the expected sizes; -1 accepts any size.
void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<std::int64_t> expected);

/// Throws ShapeError unless the tensor is defined and has that dtype, is of a floating-point type, or is on that
/// device.
void check_dtype(const at::Tensor& tensor, std::string_view name, at::ScalarType expected);
void check_floating(const at::Tensor& tensor, std::string_view name);
void check_device(const at::Tensor& tensor, std::string_view name, at::Device expected);

/// Checks an index tensor: int64 [size] (any size if -1) on `device`. On a CPU also throws ArgumentError unless every
/// element is at least 0 and less than `limit`; on a GPU this would synchronise with the device.
void check_indices(const at::Tensor& indices, std::string_view name, std::int64_t size, std::int64_t limit,
                   at::Device device);

/// Throws NumericsError, with `name` and the first bad index, unless every element is finite. Costs one pass and a
/// sync.
void check_finite(const at::Tensor& tensor, std::string_view name);

}  // namespace rlhf
