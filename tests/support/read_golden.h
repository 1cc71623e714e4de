#pragma once

#include <fstream>
#include <string>

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

}  // namespace rlhf::testing
