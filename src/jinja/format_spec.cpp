// Python's format specifications: [[fill]align][sign][z][#][0][width][grouping][.precision][type].
#include "jinja/format_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

struct Spec {
  std::string fill = " ";
  char align = 0, sign = 0;  // 0: the default
  bool no_negative_zero = false, alternate = false;
  std::size_t width = 0;
  char grouping = 0;
  std::optional<std::size_t> precision;
  char type = 0;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

class SpecReader {
 public:
  explicit SpecReader(std::string_view text) : text_(text) {}

  Spec read(bool number) {
    Spec spec;
    const bool has_fill = read_align(spec);
    if (next("+- ")) spec.sign = text_[at_++];
    spec.no_negative_zero = skip('z');
    spec.alternate = skip('#');
    if (!has_fill && skip('0')) {
      spec.fill = "0";
      if (spec.align == 0 && number) spec.align = '=';
    }
    spec.width = read_width(text_, at_);
    if (next(",_")) spec.grouping = text_[at_++];
    if (next(",_")) fail("cannot specify two kinds of grouping in a format");
    if (skip('.')) {
      const std::size_t begin = at_;
      spec.precision = read_width(text_, at_);
      if (at_ == begin) fail("a precision is missing in a format");
    }
    if (at_ + 1 < text_.size()) fail("invalid format specifier '" + std::string(text_) + "'");
    if (at_ < text_.size()) spec.type = text_[at_];
    return spec;
  }

 private:
  bool next(std::string_view set) const { return at_ < text_.size() && set.find(text_[at_]) != std::string_view::npos; }
  bool skip(char c) {
    const bool found = at_ < text_.size() && text_[at_] == c;
    at_ += found;
    return found;
  }

  // Returns whether a fill character is given.
  bool read_align(Spec& spec) {
    if (text_.empty()) return false;
    std::size_t behind = 0;
    next_code_point(text_, behind);
    if (behind < text_.size() && is_align(text_[behind])) {
      spec.fill = std::string(text_.substr(0, behind));
      spec.align = text_[behind];
      at_ = behind + 1;
      return true;
    }
    if (is_align(text_[0])) spec.align = text_[at_++];
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string aligned(const std::string& sign, const std::string& text, const Spec& spec, char default_align) {
  const std::size_t length = length_of(sign) + length_of(text);
  if (length >= spec.width) return sign + text;
  const std::size_t missing = spec.width - length;
  const auto fill = [&](std::size_t count) { return repeated(spec.fill, count); };
  switch (spec.align ? spec.align : default_align) {
    case '<':
      return sign + text + fill(missing);
    case '^':
      return fill(missing / 2) + sign + text + fill(missing - missing / 2);
    case '=':
      return sign + fill(missing) + text;
    default:
      return fill(missing) + sign + text;
  }
}

std::string text_by(Machine& machine, const std::string& text, const Spec& spec) {
  if (spec.type != 0 && spec.type != 's') fail(std::string("unknown format code '") + spec.type + "' for a str");
  if (spec.sign || spec.alternate || spec.no_negative_zero || spec.grouping || spec.align == '=')
    fail("a str has no sign, '#', 'z', grouping or '=' in a format");
  machine.budget.look_at(text.size());
  std::size_t end = 0;
  for (std::size_t i = 0; end < text.size() && (!spec.precision || i < *spec.precision); ++i)
    next_code_point(text, end);
  return aligned("", text.substr(0, end), spec, '<');
}

// Puts separators between the digits, and zeros before them so that they fill `least` characters.
std::string grouped(const std::string& digits, char separator, std::size_t group, std::size_t least) {
  std::string reversed;
  std::size_t left = digits.size(), in_group = 0;
  while (left > 0 || reversed.size() < least) {
    if (in_group == group) {
      reversed += separator;
      in_group = 0;
      if (left == 0 && reversed.size() >= least) least = reversed.size() + 1;  // a number does not begin with one
    }
    reversed += left > 0 ? digits[--left] : '0';
    ++in_group;
  }
  return {reversed.rbegin(), reversed.rend()};
}

// `whole` and `rest` are the digits before the point and all that follows them.
std::string number_by(bool negative, const std::string& prefix, std::string whole, const std::string& rest,
                      const Spec& spec) {
  std::string sign = negative ? "-" : spec.sign == '+' || spec.sign == ' ' ? std::string(1, spec.sign) : "";
  sign += prefix;
  if (spec.grouping && !whole.empty()) {
    const bool zeros = spec.fill == "0" && spec.align == '=';
    const std::size_t others = sign.size() + rest.size();
    const std::size_t group = spec.type == 'b' || spec.type == 'o' || spec.type == 'x' || spec.type == 'X' ? 4 : 3;
    whole = grouped(whole, spec.grouping, group, zeros && spec.width > others ? spec.width - others : 0);
  }
  return aligned(sign, whole + rest, spec, '>');
}

std::string whole_by(std::int64_t value, const Spec& spec) {
  if (spec.precision) fail("precision not allowed in integer format specifier");
  if (spec.no_negative_zero) fail("'z' not allowed in integer format specifier");
  if (spec.type == 'c') {
    if (spec.sign || spec.alternate || spec.grouping) fail("a sign, '#' or grouping is not allowed with 'c'");
    if (value < 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("%c arg is no character");
    std::string text;
    append_code_point(text, static_cast<CodePoint>(value));
    return aligned("", text, spec, '>');
  }
  const int base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : spec.type == 'x' || spec.type == 'X' ? 16 : 10;
  if (spec.grouping == ',' && base != 10) fail(std::string("cannot specify ',' with '") + spec.type + "'");
  if (spec.grouping && spec.type == 'n') fail("cannot specify grouping with 'n'");
  const std::string prefix = spec.alternate && base != 10 ? std::string("0") + spec.type : "";
  return number_by(value < 0, prefix, whole_digits(value, base, spec.type == 'X'), "", spec);
}

// Of a float without a type: like repr, or with a precision like `g` but with a digit after the point.
std::string plain_digits(double value, const Spec& spec) {
  if (!spec.precision) {
    std::string digits = real_text(std::abs(value));
    const std::size_t exponent = digits.find('e');
    if (spec.alternate && exponent != std::string::npos && digits.find('.') == std::string::npos)
      digits.insert(exponent, ".");
    return digits;
  }
  const std::size_t precision = std::max<std::size_t>(*spec.precision, 1);
  const std::string scientific = real_digits(value, 'e', precision - 1, spec.alternate);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent >= -4 && exponent < static_cast<int>(precision) - 1) {
    std::string digits = real_digits(value, 'g', precision, spec.alternate);
    return digits.find('.') == std::string::npos ? digits + ".0" : digits;
  }
  std::string mantissa = scientific.substr(0, scientific.find('e'));
  if (!spec.alternate && mantissa.find('.') != std::string::npos) {
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.back() == '.') mantissa.pop_back();
  }
  return mantissa + scientific.substr(scientific.find('e'));
}

std::string real_by(double value, const Spec& spec) {
  const bool percent = spec.type == '%', upper = spec.type == 'E' || spec.type == 'F' || spec.type == 'G';
  if (spec.grouping && spec.type == 'n') fail("cannot specify grouping with 'n'");
  if (percent) value *= 100;
  std::string digits;
  if (!std::isfinite(value))
    digits = std::isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
  else if (spec.type == 0)
    digits = plain_digits(value, spec);
  else
    digits = real_digits(value,
                         percent            ? 'f'
                         : spec.type == 'n' ? 'g'
                                            : spec.type,
                         spec.precision.value_or(6), spec.alternate);
  bool negative = std::signbit(value) && !std::isnan(value);
  if (spec.no_negative_zero && digits.find_first_of("123456789infa") == std::string::npos) negative = false;
  if (percent) digits += '%';
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  return number_by(negative, "", digits.substr(0, whole), digits.substr(whole), spec);
}

bool is_whole_type(char type) { return type == 0 || std::string_view("bcdoxXn").find(type) != std::string_view::npos; }
bool is_real_type(char type) { return type == 0 || std::string_view("eEfFgGn%").find(type) != std::string_view::npos; }

}  // namespace

std::size_t read_width(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + static_cast<std::size_t>(text[at] - '0');
    if (number > kMaxWidth) fail("a width or index above 100000 in a format");
  }
  return number;
}

std::string real_digits(double value, char type, std::size_t precision, bool alternate) {
  const char format[] = {
      '%', alternate ? '#' : '.', alternate ? '.' : '*', alternate ? '*' : type, alternate ? type : '\0', '\0'};
  const int places = static_cast<int>(precision);
  std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, places, std::abs(value))), '\0');
  std::snprintf(out.data(), out.size() + 1, format, places, std::abs(value));
  return out;
}

std::string whole_digits(std::int64_t value, int base, bool upper) {
  auto left = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string reversed;
  do {
    reversed += (upper ? "0123456789ABCDEF" : "0123456789abcdef")[left % static_cast<std::uint64_t>(base)];
    left /= static_cast<std::uint64_t>(base);
  } while (left > 0);
  return {reversed.rbegin(), reversed.rend()};
}

std::string formatted_by(Machine& machine, const Value& value, std::string_view spec) {
  if (spec.empty()) return to_text(machine, value);
  machine.budget.look_at(spec.size());
  if (const Text* text = value.text()) return text_by(machine, text->bytes, SpecReader(spec).read(false));
  if (!value.number()) fail("unsupported format string passed to " + value.type_name() + ".__format__");
  const Spec read = SpecReader(spec).read(true);
  machine.budget.make(read.width * read.fill.size() + read.precision.value_or(0));
  machine.budget.step(read.precision.value_or(0));  // digits are expensive
  const auto whole = value.whole();
  if (whole && is_whole_type(read.type)) return whole_by(*whole, read);
  if (is_real_type(read.type)) return real_by(*value.number(), read);
  fail(std::string("unknown format code '") + read.type + "' for object of type '" + value.type_name() + "'");
}

}  // namespace rlhf::jinja
