#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/describe.h"

namespace rlhf {

/// The config of `rlhf-average`. Every key is also a flag of the command line.
struct AverageConfig {
  std::vector<std::string> model;
  std::string output;
};
constexpr auto describe(const AverageConfig*) {
  using C = AverageConfig;
  return std::make_tuple(
      field<&C::model>("folders of models that were trained from the same one; repeat the flag for each").path(),
      field<&C::output>("folder to write; it must not exist").path());
}

}  // namespace rlhf
