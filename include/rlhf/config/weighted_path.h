#pragma once

#include <string>
#include <tuple>

#include "rlhf/config/describe.h"

namespace rlhf {

/// An item of `data.train`: a file or a glob, and how often each of its records is used.
struct WeightedPath {
  std::string path;
  double weight = 1.0;
  bool operator==(const WeightedPath&) const = default;
};
constexpr auto describe(const WeightedPath*) {
  using C = WeightedPath;
  return std::make_tuple(field<&C::path>("file or glob").path().short_form(),
                         field<&C::weight>("how often each record is used: 2 is twice; 0.5 is with probability 0.5",
                                           more_than(0.0).up_to(1000)));  // more is probably a mistake
}

}  // namespace rlhf
