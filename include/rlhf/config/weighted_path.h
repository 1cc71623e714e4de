#pragma once

#include <string>
#include <tuple>

#include "rlhf/config/describe.h"

namespace rlhf {

/// An item of `data.train`: a file or a glob, and how often its records are taken.
struct WeightedPath {
  std::string path;
  double weight = 1.0;
  bool operator==(const WeightedPath&) const = default;
};
constexpr auto describe(const WeightedPath*) {
  using C = WeightedPath;
  return std::make_tuple(
      field<&C::path>("file or glob").short_form(),
      field<&C::weight>("how often its records are taken: 2 is twice each, 0.5 every second one by chance",
                        more_than(0.0).up_to(1000)));  // more is a typing error
}

}  // namespace rlhf
