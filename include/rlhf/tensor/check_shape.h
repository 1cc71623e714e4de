#pragma once

#include <initializer_list>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Throws ShapeError "name: expected [R], found [3, 4]" unless the sizes agree; -1 in `expected` accepts any size.
void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<std::int64_t> expected);

/// Throws NumericsError naming `name` and the first bad index unless every element is finite. One pass and a sync.
void check_finite(const at::Tensor& tensor, std::string_view name);

}  // namespace rlhf
