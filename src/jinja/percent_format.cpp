// Python's "%s" % value.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "jinja/format_spec.h"
#include "jinja/operators.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

// %[(name)][flags][width][.precision]conversion
struct Conversion {
  std::optional<std::string> name;
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = 0;
};

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

class ConversionReader {
 public:
  ConversionReader(std::string_view text, std::size_t& at, Supply& values) : text_(text), at_(at), values_(values) {}

  Conversion read() {
    Conversion read;
    if (skip('(')) read.name = name();
    read_flags(read);
    if (const auto given = number()) {
      read.left |= *given < 0;
      read.width = static_cast<std::size_t>(std::abs(*given));
    }
    if (skip('.')) read.precision = static_cast<std::size_t>(std::max<std::int64_t>(number().value_or(0), 0));
    while (at_ < text_.size() && (text_[at_] == 'l' || text_[at_] == 'h' || text_[at_] == 'L')) ++at_;  // no meaning
    if (at_ == text_.size()) fail("incomplete format");
    read.type = text_[at_++];
    return read;
  }

 private:
  bool skip(char c) {
    const bool found = at_ < text_.size() && text_[at_] == c;
    at_ += found;
    return found;
  }

  // A name may contain pairs of brackets.
  std::string name() {
    const std::size_t begin = at_;
    for (int open = 1; open > 0; ++at_) {
      if (at_ == text_.size()) fail("incomplete format key");
      open += (text_[at_] == '(') - (text_[at_] == ')');
    }
    return std::string(text_.substr(begin, at_ - 1 - begin));
  }

  void read_flags(Conversion& read) {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '-')
        read.left = true;
      else if (text_[at_] == '+')
        read.plus = true;
      else if (text_[at_] == ' ')
        read.space = true;
      else if (text_[at_] == '0')
        read.zero = true;
      else if (text_[at_] == '#')
        read.alternate = true;
      else
        break;
    }
  }

  // Digits, or `*` for the next value.
  std::optional<std::int64_t> number() {
    if (skip('*')) {
      const auto given = values_.next().integer();
      if (given == nullptr) fail("* wants int");
      if (*given > static_cast<std::int64_t>(kMaxWidth) || *given < -static_cast<std::int64_t>(kMaxWidth))
        fail("a width or index above 100000 in a format");
      return *given;
    }
    if (at_ == text_.size() || text_[at_] < '0' || text_[at_] > '9') return std::nullopt;
    return static_cast<std::int64_t>(read_width(text_, at_));
  }

  std::string_view text_;
  std::size_t& at_;
  Supply& values_;
};

std::string padded(const std::string& sign, const std::string& text, const Conversion& as, bool number) {
  const std::size_t length = sign.size() + length_of(text);
  if (length >= as.width) return sign + text;
  const std::string missing(as.width - length, as.zero && number && !as.left ? '0' : ' ');
  if (as.left) return sign + text + missing;
  return as.zero && number ? sign + missing + text : missing + sign + text;
}

std::string sign_of(bool negative, const Conversion& as) {
  return negative ? "-" : as.plus ? "+" : as.space ? " " : "";
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

std::string whole_as(const Value& given, const Conversion& as) {
  const std::int64_t value = whole_of(given, as.type);
  const int base = as.type == 'o' ? 8 : as.type == 'x' || as.type == 'X' ? 16 : 10;
  std::string digits = whole_digits(value, base, as.type == 'X');
  if (as.precision && digits.size() < *as.precision) digits.insert(0, *as.precision - digits.size(), '0');
  const std::string prefix = as.alternate && base != 10 ? std::string("0") + as.type : "";
  return padded(sign_of(value < 0, as) + prefix, digits, as, true);
}

std::string real_as(const Value& given, const Conversion& as) {
  given.require_defined();
  if (!given.number()) fail("must be real number, not " + given.type_name());
  const double value = *given.number();
  const bool upper = as.type == 'E' || as.type == 'F' || as.type == 'G';
  if (std::isnan(value)) return padded(sign_of(false, as), upper ? "NAN" : "nan", as, true);
  if (std::isinf(value)) return padded(sign_of(value < 0, as), upper ? "INF" : "inf", as, true);
  return padded(sign_of(std::signbit(value), as), real_digits(value, as.type, as.precision.value_or(6), as.alternate),
                as, true);
}

std::string character_as(const Value& value, const Conversion& as) {
  value.require_defined();
  if (const Text* text = value.text()) {
    if (length_of(text->bytes) != 1) fail("%c requires int or char");
    return padded("", text->bytes, as, false);
  }
  const auto point = value.whole();
  if (!point) fail("%c requires int or char");
  if (*point < 0 || *point > 0x10FFFF || (*point >= 0xD800 && *point < 0xE000)) fail("%c arg is no character");
  std::string text;
  append_code_point(text, static_cast<CodePoint>(*point));
  return padded("", text, as, false);
}

std::string text_as(Machine& machine, const Value& value, const Conversion& as) {
  const std::string text = as.type == 's'   ? to_text(machine, value)
                           : as.type == 'r' ? to_repr(machine, value)
                                            : to_ascii(machine, value);
  if (!as.precision) return padded("", text, as, false);
  const Value end(static_cast<std::int64_t>(*as.precision));
  return padded("", slice(machine, Value(text), Value(None{}), end, Value(None{})).text()->bytes, as, false);
}

std::string converted(Machine& machine, const Value& value, const Conversion& as) {
  machine.budget.make(as.width + as.precision.value_or(0));
  machine.budget.step(as.precision.value_or(0));  // digits are expensive
  if (std::string_view("sra").find(as.type) != std::string_view::npos) return text_as(machine, value, as);
  if (std::string_view("diuxXo").find(as.type) != std::string_view::npos) return whole_as(value, as);
  if (std::string_view("fFeEgG").find(as.type) != std::string_view::npos) return real_as(value, as);
  if (as.type == 'c') return character_as(value, as);
  fail(std::string("unsupported format character '") + as.type + "'");
}

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
    if (at < text.size() && text[at] == '%') {
      out += text[at++];
      continue;
    }
    const Conversion as = ConversionReader(text, at, values).read();
    const Value& value = as.name ? values.named(*as.name) : values.next();
    const std::string filled = converted(machine, value, as);
    out += format.markup && !(value.text() && value.text()->markup) ? html_escaped(filled) : filled;
    machine.budget.look_at(filled.size());
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  values.require_all_taken();
  return out;
}

}  // namespace rlhf::jinja
