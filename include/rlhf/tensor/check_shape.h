#pragma once

#include <initializer_list>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Throws ShapeError "name: expected [R], found [3, 4]" unless the tensor has the expected sizes; -1 accepts any size.
void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<std::int64_t> expected);

/// Throws NumericsError, with `name` and the first bad index, unless every element is finite. Costs one pass and a
/// sync.
void check_finite(const at::Tensor& tensor, std::string_view name);

}  // namespace rlhf
