// Python's two ways to format values: "%s" % value and "{}".format(value).
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>

#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr std::size_t kMaxWidth = 100'000;

std::size_t read_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + static_cast<std::size_t>(text[at] - '0');
    if (number > kMaxWidth) fail("a width or index above 100000 in a format");
  }
  return number;
}

// %[(name)][flags][width][.precision]conversion
struct Conversion {
  std::optional<std::string> name;
  bool left = false, plus = false, space = false, zero = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = 0;
};

Conversion read_conversion(std::string_view text, std::size_t& at) {
  Conversion read;
  if (at < text.size() && text[at] == '(') {
    const std::size_t close = text.find(')', at);
    if (close == std::string_view::npos) fail("incomplete format key");
    read.name = std::string(text.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  for (; at < text.size(); ++at) {
    if (text[at] == '-')
      read.left = true;
    else if (text[at] == '+')
      read.plus = true;
    else if (text[at] == ' ')
      read.space = true;
    else if (text[at] == '0')
      read.zero = true;
    else
      break;
  }
  read.width = read_number(text, at);
  if (at < text.size() && text[at] == '.') {
    ++at;
    read.precision = read_number(text, at);
  }
  if (at == text.size()) fail("incomplete format");
  read.type = text[at++];
  return read;
}

std::string padded(std::string text, const Conversion& as, bool number) {
  const std::size_t length = length_of(text);
  if (length >= as.width) return text;
  const std::size_t missing = as.width - length;
  if (as.left) return text + std::string(missing, ' ');
  if (!as.zero || !number) return std::string(missing, ' ') + text;
  const std::size_t behind_sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
  return text.insert(behind_sign, std::string(missing, '0'));
}

std::string with_sign(std::string text, const Conversion& as) {
  if (text.starts_with('-')) return text;
  if (as.plus) return "+" + text;
  return as.space ? " " + text : text;
}

std::string real_as(double value, const Conversion& as) {
  if (!std::isfinite(value)) return real_text(value);
  const char format[] = {'%', '.', '*', as.type, '\0'};
  const int precision = static_cast<int>(as.precision.value_or(6));
  std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, precision, value)), '\0');
  std::snprintf(out.data(), out.size() + 1, format, precision, value);
  return out;
}

std::int64_t whole_of(const Value& value, char type) {
  value.require_defined();
  if (const auto whole = value.whole()) return *whole;
  const double* real = value.real();
  if (real == nullptr || type == 'x' || type == 'X' || type == 'o')
    fail(std::string("%") + type + " format: a number is required, not " + value.type_name());
  if (!(std::abs(*real) < 9.2e18)) fail("a whole number beyond 64 bits, which is not supported");
  return static_cast<std::int64_t>(*real);
}

std::string whole_as(std::int64_t value, const Conversion& as) {
  if (as.type == 'd' || as.type == 'i' || as.type == 'u') return std::to_string(value);
  char digits[32];
  const auto size = value < 0 ? 0 - static_cast<unsigned long long>(value) : static_cast<unsigned long long>(value);
  std::snprintf(digits, sizeof digits, as.type == 'o' ? "%llo" : as.type == 'x' ? "%llx" : "%llX", size);
  return (value < 0 ? "-" : "") + std::string(digits);
}

std::string converted(Machine& machine, const Value& value, const Conversion& as) {
  switch (as.type) {
    case 's':
    case 'r': {
      const std::string text = as.type == 's' ? to_text(machine, value) : to_repr(machine, value);
      if (!as.precision) return padded(text, as, false);
      const Value cut =
          slice(machine, Value(text), Value(None{}), Value(static_cast<std::int64_t>(*as.precision)), Value(None{}));
      return padded(cut.text()->bytes, as, false);
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      if (as.precision) fail("a precision of whole numbers in a format is not supported");
      return padded(with_sign(whole_as(whole_of(value, as.type), as), as), as, true);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G': {
      value.require_defined();
      if (!value.number()) fail("must be real number, not " + value.type_name());
      return padded(with_sign(real_as(*value.number(), as), as), as, true);
    }
    default:
      fail(std::string("the format character '%") + as.type + "' is not supported");
  }
}

// The values that the conversions of a format consume in order.
class Supply {
 public:
  explicit Supply(const Value& values) : whole_(values) {
    const Sequence* tuple = values.sequence();
    tuple_ = tuple && tuple->shape == Shape::tuple ? tuple : nullptr;
  }
  const Value& next() {
    const std::size_t count = tuple_ ? tuple_->items.size() : 1;
    if (taken_ == count) fail("not enough arguments for format string");
    return tuple_ ? tuple_->items[taken_++] : (++taken_, whole_);
  }
  const Value& named(const std::string& name) {
    if (!whole_.mapping()) fail("format requires a mapping");
    const Value* found = whole_.mapping()->find(name);
    if (found == nullptr) fail("the format's key '" + name + "' is not in the mapping");
    by_name_ = true;
    return *found;
  }
  void require_all_taken() const {
    const bool all = tuple_ ? taken_ == tuple_->items.size() : taken_ == 1 || has_items();
    if (!by_name_ && !all) fail("not all arguments converted during string formatting");
  }

 private:
  // As in Python: a value that supports items does not have to be used completely.
  bool has_items() const {
    const Sequence* sequence = whole_.sequence();
    if (sequence) return sequence->shape == Shape::list || sequence->shape == Shape::range;
    return whole_.mapping() || whole_.is_undefined();
  }

  const Value& whole_;
  const Sequence* tuple_ = nullptr;
  std::size_t taken_ = 0;
  bool by_name_ = false;
};

// Parses one replacement field: {name.attribute[item]!r}.
class Field {
 public:
  Field(Machine& machine, std::string_view text) : machine_(machine), text_(text) {}

  std::string filled(const Arguments& arguments, std::size_t& automatic) {
    Value value = first(arguments, automatic);
    while (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == '[')) value = step(value);
    if (at_ == text_.size()) return to_text(machine_, value);
    const std::string_view rest = text_.substr(at_);
    if (rest == "!r") return to_repr(machine_, value);
    if (rest == "!s" || rest == ":" || rest == "!s:") return to_text(machine_, value);
    fail("the format specification '" + std::string(rest) + "' in str.format is not supported");
  }

 private:
  std::string word(std::string_view ends) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && ends.find(text_[at_]) == std::string_view::npos) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  static std::optional<std::int64_t> number(const std::string& word) {
    std::size_t at = 0;
    const std::size_t value = read_number(word, at);
    return word.empty() || at < word.size() ? std::nullopt : std::optional(static_cast<std::int64_t>(value));
  }

  Value first(const Arguments& arguments, std::size_t& automatic) {
    const std::string name = word(".[!:");
    const auto place = number(name);
    if (name.empty() || place) {
      const std::size_t i = place ? static_cast<std::size_t>(*place) : automatic++;
      if (i >= arguments.positional.size()) fail("str.format: there is no argument " + std::to_string(i));
      return arguments.positional[i];
    }
    for (const auto& [given, value] : arguments.named)
      if (given == name) return value;
    fail("str.format: there is no argument named '" + name + "'");
  }

  Value step(const Value& value) {
    const bool dot = text_[at_++] == '.';
    const std::string name = word(dot ? ".[!:" : "]");
    if (name.empty() || (!dot && at_ == text_.size())) fail("str.format: an incomplete field");
    if (dot) return attribute(machine_, value, name);
    ++at_;
    const auto place = number(name);
    return item(machine_, value, place ? Value(*place) : Value(name));
  }

  Machine& machine_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string percent_formatted(Machine& machine, const Text& format, const Value& given) {
  const std::string_view text = format.bytes;
  machine.budget.look_at(text.size());
  Supply values(given);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t sign = std::min(text.find('%', at), text.size());
    out.append(text.substr(at, sign - at));
    if (sign == text.size()) break;
    at = sign + 1;
    const Conversion as = read_conversion(text, at);
    if (as.type == '%') {
      out += '%';
      continue;
    }
    const Value& value = as.name ? values.named(*as.name) : values.next();
    const std::string filled = converted(machine, value, as);
    out += format.markup && !(value.text() && value.text()->markup) ? html_escaped(filled) : filled;
    machine.budget.look_at(filled.size());
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  values.require_all_taken();
  return out;
}

Value formatted(Machine& machine, const Value& self, const Arguments& arguments) {
  if (self.text()->markup) fail("str.format of a text marked safe is not supported");
  const std::string_view text = self.text()->bytes;
  machine.budget.look_at(text.size());
  std::string out;
  std::size_t automatic = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    out.append(text.substr(at, brace - at));
    if (brace == text.size()) break;
    at = brace + 1;
    if (at < text.size() && text[at] == text[brace]) {
      out += text[at++];
      continue;
    }
    if (text[brace] == '}') fail("str.format: single '}' in the text");
    const std::size_t close = text.find_first_of("{}", at);
    if (close == std::string_view::npos || text[close] == '{') fail("str.format: expected '}' after a field");
    const std::string filled = Field(machine, text.substr(at, close - at)).filled(arguments, automatic);
    machine.budget.look_at(filled.size());
    out += filled;
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    at = close + 1;
  }
  return make_text(machine.budget, std::move(out));
}

}  // namespace rlhf::jinja
