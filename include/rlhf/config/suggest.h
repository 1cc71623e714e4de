#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/options.h"

namespace rlhf {

/// The candidate of which `word` is most likely a misspelling, or nullopt if none is similar enough.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

/// The dotted key that a user probably meant by `key` in section `path` (dotted, empty at the top): a name of another
/// library, the same key of another section, or a misspelling.
std::optional<std::string> suggest_key(const Section& root, const std::string& path, const std::string& key);

}  // namespace rlhf
