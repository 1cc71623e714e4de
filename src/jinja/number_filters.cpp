// Filters on numbers: abs, int, float, round.
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
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

// The digits of a number as Python's int() and float() accept it: white space around it, a sign, single underscores
// between digits. Empty if the text is not such a number.
std::string plain_number(std::string_view text) {
  text = stripped(text, Ends::both);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto alnum = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
    };
    if (text[i] != '_')
      plain += text[i];
    else if (i == 0 || !alnum(i - 1) || !alnum(i + 1))
      return {};
  }
  if (plain.starts_with('+')) {
    plain.erase(0, 1);
    if (plain.starts_with('-') || plain.starts_with('+')) return {};
  }
  return plain;
}

std::optional<std::int64_t> parsed_whole(const std::string& text, int base) {
  std::string digits = plain_number(text);
  const bool minus = digits.starts_with('-');
  const std::string prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
  const std::string begin = to_lower(std::string_view(digits).substr(minus).substr(0, 2));
  if (!prefix.empty() && begin == prefix) digits.erase(minus, 2);
  if (digits.size() == minus || (minus && digits[1] == '-')) return std::nullopt;
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) fail("a whole number beyond 64 bits, which is not supported");
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<double> parsed_real(const std::string& text) {
  const std::string digits = plain_number(text);
  const bool minus = digits.starts_with('-');
  const std::string name = to_lower(std::string_view(digits).substr(minus));
  if (name == "inf" || name == "infinity")
    return minus ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name.empty() || !(name[0] == '.' || std::isdigit(static_cast<unsigned char>(name[0])))) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) fail("a number outside the range of floats");
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> truncated(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (std::abs(value) >= 9.2e18) fail("a whole number beyond 64 bits, which is not supported");
  return static_cast<std::int64_t>(value);
}

Value to_int(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("int", arguments, {"default", "base"});
  const Value otherwise = params.value(0, Value(std::int64_t{0}));
  const std::int64_t base = params.whole(1, 10);
  if (base != 2 && base != 8 && base != 10 && base != 16) fail("int(): a base other than 2, 8, 10 and 16");
  value.require_defined();
  if (const auto whole = value.whole()) return Value(*whole);
  if (const double* real = value.real()) {
    if (std::isinf(*real)) fail("cannot convert float infinity to integer");
    const auto whole = truncated(*real);
    return whole ? Value(*whole) : otherwise;
  }
  if (!value.text()) return otherwise;
  if (const auto whole = parsed_whole(value.text()->bytes, static_cast<int>(base))) return Value(*whole);
  const auto real = parsed_real(value.text()->bytes);
  const auto whole = real ? truncated(*real) : std::nullopt;
  return whole ? Value(*whole) : otherwise;
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

// Python rounds the exact value of a float, halves to even, and so does printf.
double rounded(double value, std::int64_t precision) {
  if (!std::isfinite(value)) return value;
  char digits[400];
  const int size = std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), value);
  double result = value;
  std::from_chars(digits, digits + size, result);
  return result;
}

Value round(Machine&, const Value& value, const Arguments& arguments) {
  const Params params("round", arguments, {"precision", "method"});
  const std::int64_t precision = params.whole(0, 0);
  const std::string method = params.given(1) ? params.text(1) : "common";
  if (method != "common" && method != "ceil" && method != "floor") fail("method must be common, ceil or floor");
  if (precision < 0 || precision > 20) fail("round(): a precision outside 0 to 20 is not supported");
  value.require_defined();
  if (!value.number()) fail("type " + value.type_name() + " doesn't define __round__ method");
  if (method == "common") return value.whole() ? Value(*value.whole()) : Value(rounded(*value.number(), precision));
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = *value.number() * scale;
  if (!std::isfinite(scaled)) fail("cannot convert a float that is not finite to integer");
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale + 0.0);
}

constexpr FilterEntry kNumberFilters[] = {{"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round}};

}  // namespace

FilterGroup number_filters() { return {kNumberFilters, std::size(kNumberFilters)}; }

}  // namespace rlhf::jinja
