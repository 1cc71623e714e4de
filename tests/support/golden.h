#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "support/read_golden.h"

namespace rlhf::testing {

/// A list of numbers as a float64 tensor.
inline at::Tensor tensor_of(const nlohmann::json& list) {
  return at::tensor(list.get<std::vector<double>>(), at::TensorOptions().dtype(at::kDouble));
}

}  // namespace rlhf::testing
