#pragma once

#include <string>
#include <utility>

namespace rlhf {

/// A file (or glob) of a list, and how often its records are taken: 2 is twice each, 0.5 every second one by chance.
/// In YAML a text, or {path: text, weight: number above 0}.
struct WeightedPath {
  std::string path;
  double weight = 1.0;

  WeightedPath(std::string name, double times = 1.0) : path(std::move(name)), weight(times) {}
  WeightedPath(const char* name) : path(name) {}
  bool operator==(const WeightedPath&) const = default;
};

}  // namespace rlhf
