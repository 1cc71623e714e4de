// Filters on numbers: abs, int, float, round.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>

#include "jinja/filter_groups.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

// Digits of other scripts become ASCII digits; other characters beyond ASCII are in no number.
std::string with_ascii_digits(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    plain += point < 0x80        ? static_cast<char>(point)
             : is_decimal(point) ? static_cast<char>('0' + decimal_value(point))
                                 : '?';
  }
  return plain;
}

// The digits of a number as Python's int() and float() accept it: white space around it, a sign, single underscores
// between digits. Empty if the text is not such a number.
std::string plain_number(std::string_view given, bool whole) {
  const std::string text = with_ascii_digits(stripped(given, Ends::both));
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) -> bool {
      const auto c = static_cast<unsigned char>(at < text.size() ? text[at] : ' ');
      return whole ? std::isalnum(c) : std::isdigit(c);
    };
    if (text[i] != '_')
      plain += text[i];
    else if (i == 0 || !digit(i - 1) || !digit(i + 1))
      return {};
  }
  if (plain.starts_with('+')) {
    plain.erase(0, 1);
    if (plain.starts_with('-') || plain.starts_with('+')) return {};
  }
  return plain;
}

std::optional<std::int64_t> parsed_whole(const std::string& text, int base) {
  std::string digits = plain_number(text, /*whole=*/true);
  const bool minus = digits.starts_with('-');
  const std::string begin = to_lower(std::string_view(digits).substr(minus).substr(0, 2));
  const int named = begin == "0x" ? 16 : begin == "0o" ? 8 : begin == "0b" ? 2 : 0;
  if (named != 0 && (base == named || base == 0)) digits.erase(minus, 2);
  if (base == 0) base = named != 0 ? named : 10;
  if (digits.size() == minus || (minus && digits[1] == '-')) return std::nullopt;
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) fail("a whole number beyond 64 bits, which is not supported");
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<double> parsed_real(const std::string& text) {
  const std::string digits = plain_number(text, /*whole=*/false);
  const bool minus = digits.starts_with('-');
  const std::string name = to_lower(std::string_view(digits).substr(minus));
  if (name == "inf" || name == "infinity")
    return minus ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name.empty() || !(name[0] == '.' || std::isdigit(static_cast<unsigned char>(name[0])))) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) return std::strtod(digits.c_str(), nullptr);  // infinite or 0
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> truncated(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (std::abs(value) >= 9.2e18) fail("a whole number beyond 64 bits, which is not supported");
  return static_cast<std::int64_t>(value);
}

// What `int` gives for a text that is no whole number.
Value otherwise_of(const Value& text, const Value& otherwise) {
  const auto real = parsed_real(text.text()->bytes);
  const auto whole = real ? truncated(*real) : std::nullopt;
  return whole ? Value(*whole) : otherwise;
}

Value to_int(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("int", arguments, {"default", "base"});
  const Value otherwise = params.value(0, Value(std::int64_t{0}));
  const std::int64_t base = params.whole(1, 10);
  const bool known_base = base == 0 || (base >= 2 && base <= 36);
  value.require_defined();
  if (const auto whole = value.whole()) return Value(*whole);
  if (const double* real = value.real()) {
    if (std::isinf(*real)) fail("cannot convert float infinity to integer");
    const auto whole = truncated(*real);
    return whole ? Value(*whole) : otherwise;
  }
  if (!value.text()) return otherwise;
  if (!known_base) return otherwise_of(value, otherwise);
  if (const auto whole = parsed_whole(value.text()->bytes, static_cast<int>(base))) return Value(*whole);
  return otherwise_of(value, otherwise);
}

Value to_float(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("float", arguments, {"default"});
  value.require_defined();
  if (const auto number = value.number()) return Value(*number);
  const auto parsed = value.text() ? parsed_real(value.text()->bytes) : std::nullopt;
  return parsed ? Value(*parsed) : params.value(0, Value(0.0));
}

Value absolute(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("abs", arguments, {});
  value.require_defined();
  if (const auto whole = value.whole()) return *whole < 0 ? negated(value) : Value(*whole);
  if (const double* real = value.real()) return Value(std::abs(*real));
  fail("bad operand type for abs(): '" + value.type_name() + "'");
}

// Python rounds the exact value of a float, halves to even, and so does printf. `precision` is below 324.
double rounded(double value, std::int64_t precision) {
  if (!std::isfinite(value) || precision > 323) return value;
  if (precision < -308) return std::copysign(0.0, value);
  if (precision >= 0) {
    char digits[700];
    const int size = std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), value);
    double result = value;
    std::from_chars(digits, digits + size, result);
    return result;
  }
  // Before the point: the digits of %e, of which as many are kept as stand before the rounded place.
  char digits[400];
  std::snprintf(digits, sizeof digits, "%.0f", std::abs(value));
  const auto whole = static_cast<std::int64_t>(std::string_view(digits).size());
  if (whole + precision < 0) return std::copysign(0.0, value);
  if (whole + precision == 0) {  // to 0 or to 10 to the power of -precision
    const double up = std::strtod(("1e" + std::to_string(-precision)).c_str(), nullptr);
    return std::copysign(std::abs(value) > up / 2 ? up : 0.0, value);
  }
  std::snprintf(digits, sizeof digits, "%.*e", static_cast<int>(whole + precision - 1), value);
  return std::strtod(digits, nullptr);
}

// To a multiple of 10 to the power of -precision, halves to the even multiple.
std::int64_t rounded(std::int64_t value, std::int64_t precision) {
  if (precision >= 0) return value;
  if (precision < -18) return 0;
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i > precision; --i) unit *= 10;
  const std::int64_t rest = value % unit, down = value - rest, twice = 2 * (rest < 0 ? -rest : rest);
  const bool away = twice > unit || (twice == unit && (down / unit) % 2 != 0);
  std::int64_t result = down;
  if (away && __builtin_add_overflow(down, value < 0 ? -unit : unit, &result))
    fail("a whole number beyond 64 bits, which is not supported");
  return result;
}

Value round(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("round", arguments, {"precision", "method"});
  const std::string method = params.given(1) ? params.text(1) : "common";
  if (method != "common" && method != "ceil" && method != "floor") fail("method must be common, ceil or floor");
  value.require_defined();
  if (!value.number()) fail("type " + value.type_name() + " doesn't define __round__ method");
  if (method == "common" && params.given(0) && params[0].is_none()) {
    if (value.whole()) return Value(*value.whole());
    const auto whole = truncated(rounded(*value.number(), 0));
    if (!whole) fail("cannot convert a float that is not finite to integer");
    return Value(*whole);
  }
  const std::int64_t precision = params.whole(0, 0);
  if (method == "common")
    return value.whole() ? Value(rounded(*value.whole(), precision)) : Value(rounded(*value.number(), precision));
  if (precision > 308) fail("int too large to convert to float");
  const double scale = std::strtod(("1e" + std::to_string(std::max<std::int64_t>(precision, -400))).c_str(), nullptr);
  const double scaled = *value.number() * scale;
  if (!std::isfinite(scaled)) fail("cannot convert a float that is not finite to integer");
  if (scale == 0) fail("division by zero");
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale + 0.0);
}

constexpr FilterEntry kNumberFilters[] = {{"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round}};

}  // namespace

FilterGroup number_filters() { return {kNumberFilters, std::size(kNumberFilters)}; }

}  // namespace rlhf::jinja
