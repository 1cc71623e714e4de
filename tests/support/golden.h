#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/source_dir.h"

namespace rlhf::testing {

/// A JSON file below tests/golden/.
inline nlohmann::json read_golden(const std::string& name) {
  std::ifstream file(testing::source_dir() + "/golden/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  return nlohmann::json::parse(file);
}

/// A list of numbers as a float64 tensor.
inline at::Tensor tensor_of(const nlohmann::json& list) {
  return at::tensor(list.get<std::vector<double>>(), at::TensorOptions().dtype(at::kDouble));
}

}  // namespace rlhf::testing
