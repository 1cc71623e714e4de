// The keys of a config.yaml, for comparing runs.
#pragma once

#include <map>
#include <string>

namespace rlhf {

/// Dotted key -> value as text ("optimizer.lr" -> "0.001"), with lists as in YAML on one line. Empty if the text is not
/// a YAML map.
std::map<std::string, std::string> config_keys(const std::string& yaml);

}  // namespace rlhf
