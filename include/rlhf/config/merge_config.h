#pragma once

#include <string>
#include <tuple>

#include "rlhf/config/describe.h"

namespace rlhf {

/// The config of `rlhf-merge`. Every key is also a flag of the command line.
struct MergeConfig {
  std::string model;
  std::string output;
};
constexpr auto describe(const MergeConfig*) {
  using C = MergeConfig;
  return std::make_tuple(field<&C::model>("folder of the adapter; it names its base model").path(),
                         field<&C::output>("folder to write; it must not exist").path());
}

}  // namespace rlhf
