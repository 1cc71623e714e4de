// Python's str() and repr().
#include "jinja/show.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

void append_escaped(std::string& out, CodePoint point) {
  char code[16];
  std::snprintf(code, sizeof code,
                point < 0x100     ? "\\x%02x"
                : point < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                static_cast<unsigned>(point));
  out += code;
}

std::string text_repr(const std::string& text) {
  const bool holds_single = text.find('\'') != std::string::npos, holds_double = text.find('"') != std::string::npos;
  const char quote = holds_single && !holds_double ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const CodePoint point = next_code_point(text, at);
    if (point == '\n')
      out += "\\n";
    else if (point == '\r')
      out += "\\r";
    else if (point == '\t')
      out += "\\t";
    else if (point == '\\')
      out += "\\\\";
    else if (point == quote)
      (out += '\\') += quote;
    else if (is_printable(point))
      out.append(text, begin, at - begin);
    else
      append_escaped(out, point);
  }
  return out += quote;
}

// Builds a text of limited size.
class Printer {
 public:
  explicit Printer(Machine& machine) : machine_(machine) {}

  void show(const Value& value) {
    const Evaluation nested(machine_, machine_.line);  // a namespace may contain itself
    if (out_.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    if (value.is_undefined())
      out_ += "Undefined";
    else if (value.is_none())
      out_ += "None";
    else if (const bool* yes = value.boolean())
      out_ += *yes ? "True" : "False";
    else if (const std::int64_t* integer = value.integer())
      out_ += std::to_string(*integer);
    else if (const double* real = value.real())
      out_ += real_text(*real);
    else if (const Text* text = value.text())
      show_text(*text);
    else if (const Mapping* mapping = value.mapping())
      show_mapping(*mapping);
    else if (const Sequence* sequence = value.sequence())
      show_sequence(*sequence);
    else
      out_ += value.object()->shown(machine_);
  }
  std::string take() { return std::move(out_); }

 private:
  void show_text(const Text& text) {
    machine_.budget.look_at(text.bytes.size());
    const std::string repr = text_repr(text.bytes);
    out_ += text.markup ? "Markup(" + repr + ")" : repr;
  }

  void show_mapping(const Mapping& mapping) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, value] : mapping.entries) {
      if (!first) out_ += ", ";
      first = false;
      show(key);
      out_ += ": ";
      show(value);
    }
    out_ += '}';
  }

  void show_sequence(const Sequence& sequence) {
    if (sequence.shape == Shape::range) {
      out_ += "range(" + std::to_string(sequence.start) + ", " + std::to_string(sequence.stop);
      out_ += sequence.step == 1 ? ")" : ", " + std::to_string(sequence.step) + ")";
      return;
    }
    if (sequence.shape == Shape::generator)
      fail("printing a generator, which has no text; hint: convert it with `| list`");
    const bool tuple = sequence.shape == Shape::tuple;
    if (sequence.shape == Shape::view) out_ += sequence.label + "(";
    out_ += tuple ? '(' : '[';
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) out_ += ", ";
      show(sequence.items[i]);
    }
    if (tuple && sequence.items.size() == 1) out_ += ',';
    out_ += tuple ? ')' : ']';
    if (sequence.shape == Shape::view) out_ += ')';
  }

  Machine& machine_;
  std::string out_;
};

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string all(buffer, end);  // d.ddde±dd with the fewest digits
  const std::size_t e = all.find('e');
  const int exponent = std::stoi(all.substr(e + 1));
  if (exponent < -4 || exponent >= 16) return all;
  const std::string sign = all[0] == '-' ? "-" : "";
  std::string digits;
  for (const char c : all.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string to_text(Machine& machine, const Value& value) {
  if (value.is_undefined()) return {};
  if (const Text* text = value.text()) {
    machine.budget.look_at(text->bytes.size());
    return text->bytes;
  }
  return to_repr(machine, value);
}

std::string to_repr(Machine& machine, const Value& value) {
  Printer printer(machine);
  printer.show(value);
  std::string text = printer.take();
  machine.budget.make(text.size());
  return text;
}

std::string to_ascii(Machine& machine, const Value& value) {
  const std::string text = to_repr(machine, value);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    if (point < 0x80)
      out += static_cast<char>(point);
    else
      append_escaped(out, point);
  }
  machine.budget.make(out.size());
  return out;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace rlhf::jinja
