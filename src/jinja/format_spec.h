#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

constexpr std::size_t kMaxWidth = 100'000;  // of a field, in characters; also of a precision

/// Reads the digits at `at` of a format. Fails above kMaxWidth.
std::size_t read_width(std::string_view text, std::size_t& at);
/// The digits of a number without its sign, as printf's conversion `type` (f, e or g in either case) writes them.
/// `alternate` keeps the point and the zeros at the end.
std::string real_digits(double value, char type, std::size_t precision, bool alternate);
/// The digits of the absolute value in base 2, 8, 10 or 16.
std::string whole_digits(std::int64_t value, int base, bool upper);
/// Python's format(value, spec): the text of a value in a field such as {:>8.2f}.
std::string formatted_by(Machine& machine, const Value& value, std::string_view spec);

}  // namespace rlhf::jinja
