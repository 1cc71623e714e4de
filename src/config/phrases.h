#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/options.h"

#include "config/document.h"

namespace rlhf {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;  // Clang 14 does not deduce it

/// The allowed forms of an item of a list: "{path, weight} or its path alone".
std::string item_expectation(const StructList& list);
/// The range of an option; that of a whole number has an upper limit (kLargestCount), unless it may have any size.
Range allowed_range(const Option& option);
/// The allowed values of an option, for an error: "a whole number, at least 1", "one of drop, truncate, error".
std::string expectation(const Option& option);
/// The meaning of the option, and whether it may change on resume.
std::string doc_with_resume(const Option& option);
/// A node in an error: "-1", `"abc"`, "a list of 2", "nothing".
std::string found(const Node& node);
/// The range in words, or "" if there is none: "at least 1", "above 0, at most 1", "from 0 to 0.9".
std::string range_in_words(const Range& range);
std::string joined(const std::vector<std::string_view>& words, std::string_view separator);

}  // namespace rlhf
