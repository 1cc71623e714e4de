// str.format and str.format_map, as Jinja2's sandbox runs them.
#include <optional>
#include <string_view>

#include "jinja/format_spec.h"
#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/show.h"

namespace rlhf::jinja {
namespace {

constexpr int kMaxDepth = 2;  // of formats: a specification may contain fields, whose specifications may too

// The parts of {name!conversion:spec}.
struct Field {
  std::string_view name, spec;
  char conversion = 0;
};

// Reads the field whose brace is before `at`, and moves `at` after it.
Field read_field(std::string_view text, std::size_t& at) {
  Field field;
  const std::size_t begin = at;
  for (bool in_brackets = false;; ++at) {
    if (at == text.size()) fail("str.format: expected '}' before the end of the text");
    if (text[at] == '{') fail("str.format: unexpected '{' in the name of a field");
    if (text[at] == '[') in_brackets = true;
    if (text[at] == ']') in_brackets = false;
    if (!in_brackets && (text[at] == '}' || text[at] == ':' || text[at] == '!')) break;
  }
  field.name = text.substr(begin, at - begin);
  if (text[at] == '!') {
    if (at + 2 >= text.size()) fail("str.format: the end of the text instead of a conversion");
    field.conversion = text[at + 1];
    at += 2;
    if (text[at] != ':' && text[at] != '}') fail("str.format: expected ':' after the conversion");
  }
  if (text[at++] == '}') return field;
  const std::size_t from = at;
  for (int open = 1; open > 0; ++at) {
    if (at == text.size()) fail("str.format: unmatched '{' in a format specification");
    if (text[at] == '{') ++open;
    if (text[at] == '}') --open;
  }
  field.spec = text.substr(from, at - 1 - from);
  return field;
}

std::optional<std::size_t> index_of(std::string_view word) {
  std::size_t at = 0;
  const std::size_t value = read_width(word, at);
  return word.empty() || at < word.size() ? std::nullopt : std::optional(value);
}

class Formatter {
 public:
  Formatter(Machine& machine, const Arguments& arguments, bool markup)
      : machine_(machine), arguments_(arguments), markup_(markup) {}

  std::string formatted(std::string_view text, int depth) {
    if (depth < 0) fail("str.format: format specifications within each other");
    machine_.budget.look_at(text.size());
    std::string out;
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
      const std::string part = filled(read_field(text, at), depth);
      machine_.budget.look_at(part.size());
      out += part;
      if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    }
    return out;
  }

 private:
  std::string filled(const Field& field, int depth) {
    const Value value = converted(named(field.name), field.conversion);
    const std::string spec = formatted(field.spec, depth - 1);
    const Text* text = value.text();
    if (!markup_ || depth < kMaxDepth) return formatted_by(machine_, value, spec);
    if (text && text->markup) {
      if (!spec.empty()) fail("unsupported format specification for Markup");
      return text->bytes;
    }
    return html_escaped(formatted_by(machine_, value, spec));
  }

  Value converted(Value value, char conversion) {
    switch (conversion) {
      case 0:
        return value;
      case 's':
        return make_text(machine_.budget, to_text(machine_, value));
      case 'r':
        return make_text(machine_.budget, to_repr(machine_, value));
      case 'a':
        return make_text(machine_.budget, to_ascii(machine_, value));
      default:
        fail(std::string("str.format: unknown conversion '") + conversion + "'");
    }
  }

  // The value of a name with attributes and items: 0.name[key].
  Value named(std::string_view name) {
    std::size_t at = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, at), at == name.size());
    while (at < name.size()) {
      const bool dot = name[at] == '.';
      if (!dot && name[at] != '[') fail("str.format: only '.' or '[' may follow ']' in a field");
      const std::size_t begin = at + 1;
      at = dot ? std::min(name.find_first_of(".[", begin), name.size()) : name.find(']', begin);
      if (at == std::string_view::npos) fail("str.format: a ']' is missing");
      const std::string word(name.substr(begin, at - begin));
      if (word.empty()) fail("str.format: an empty attribute");
      at += !dot;
      const auto index = index_of(word);
      value = dot     ? attribute(machine_, value, word)
              : index ? item(machine_, value, Value(static_cast<std::int64_t>(*index)))
                      : item(machine_, value, Value(word));
    }
    return value;
  }

  Value first(std::string_view name, bool alone) {
    const auto index = index_of(name);
    if (alone && (name.empty() || index)) {
      if (numbering_ == (index ? 'a' : 'm')) fail("str.format: fields with and without numbers");
      numbering_ = index ? 'm' : 'a';
    }
    if (index || (alone && name.empty())) return at_place(index ? *index : automatic_++);
    for (const auto& [given, value] : arguments_.named)
      if (given == name) return value;
    fail("str.format: there is no argument named '" + std::string(name) + "'");
  }

  const Value& at_place(std::size_t i) const {
    if (i >= arguments_.positional.size()) fail("str.format: there is no argument " + std::to_string(i));
    return arguments_.positional[i];
  }

  Machine& machine_;
  const Arguments& arguments_;
  bool markup_;
  char numbering_ = 0;  // a: automatic, m: manual
  std::size_t automatic_ = 0;
};

}  // namespace

Value formatted(Machine& machine, const Value& self, const Arguments& arguments) {
  const Text& text = *self.text();
  return make_text(machine.budget, Formatter(machine, arguments, text.markup).formatted(text.bytes, kMaxDepth),
                   text.markup);
}

Value formatted_by_map(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("format_map", arguments, {""}, 1);
  if (!params[0].mapping()) fail("format_map(): expected dict, found " + params[0].type_name());
  Arguments named;
  for (const auto& [key, value] : params[0].mapping()->entries)
    if (key.text()) named.named.emplace_back(key.text()->bytes, value);
  machine.budget.make(named.named.size() * sizeof(Value));
  return formatted(machine, self, named);
}

}  // namespace rlhf::jinja
