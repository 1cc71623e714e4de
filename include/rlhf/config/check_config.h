#pragma once

#include <utility>
#include <vector>

#include "rlhf/config/options.h"
#include "rlhf/config/read_config.h"

namespace rlhf {

/// The values of a config that are out of range. read_config finds them in files; this finds them in a struct that a
/// program filled.
std::vector<Issue> range_faults(const Section& options);

/// Throws ConfigError, with all faults, if a value of `config` is out of range.
template <Described C>
void check_ranges(C config) {
  throw_if_any(range_faults(bind(config)));
}

/// Throws ConfigError, with all faults, if a value of `config` is out of range or a rule between its keys (validate) is
/// broken.
template <Described C>
void check_config(C config) {
  std::vector<Issue> issues = range_faults(bind(config));
  for (Issue& issue : default_rules(config)) issues.push_back(std::move(issue));
  throw_if_any(issues);
}

}  // namespace rlhf
