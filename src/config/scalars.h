#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rlhf {

/// Parse scalars by the core schema of YAML 1.2, decimal only: a whole number, a finite number, true or false.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_double(std::string_view text);
std::optional<bool> parse_bool(std::string_view text);

/// The shortest text that reads back as the same number.
std::string format_double(double x);

}  // namespace rlhf
