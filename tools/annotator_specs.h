#pragma once

#include <string>
#include <vector>

#include "rlhf/feedback/simulate.h"

namespace rlhf {

/// The lines of --help about the keys.
std::string annotator_spec_help();

/// "15:rationality=2.5,agreement=3" is 15 such annotators; lists have slashes, "cuts=0.5/1.5". Keys that are left out
/// are those of `defaults`. Throws ConfigError, which names `flag`.
std::vector<SimulatedAnnotator> annotators_of(const std::string& flag, const std::vector<std::string>& specs,
                                              const SimulatedAnnotator& defaults);

}  // namespace rlhf
