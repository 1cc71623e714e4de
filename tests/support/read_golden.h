#pragma once

#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/source_dir.h"

namespace rlhf::testing {

/// A JSON file below tests/golden/. It stays in memory: a loop over a part of a temporary would run over nothing.
inline const nlohmann::json& read_golden(const std::string& name) {
  static std::map<std::string, nlohmann::json> files;
  const auto found = files.find(name);
  if (found != files.end()) return found->second;
  std::ifstream file(testing::source_dir() + "/golden/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  return files[name] = nlohmann::json::parse(file);
}

}  // namespace rlhf::testing
