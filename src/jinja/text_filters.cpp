// Filters on texts.
#include <algorithm>
#include <iterator>

#include "jinja/filter_groups.h"
#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

// markupsafe's soft_str: returns a text unchanged, and the printed form of any other value.
Value as_text(Machine& machine, const Value& value) {
  return value.text() ? value : make_text(machine.budget, to_text(machine, value));
}

Value method(Machine& machine, const Value& value, const char* name, const Arguments& arguments = {}) {
  return (*text_method(name))(machine, as_text(machine, value), arguments);
}

Value upper(Machine& machine, const Value& value, const Arguments& arguments) {
  return method(machine, value, "upper", arguments);
}
Value lower(Machine& machine, const Value& value, const Arguments& arguments) {
  return method(machine, value, "lower", arguments);
}
Value capitalize(Machine& machine, const Value& value, const Arguments& arguments) {
  return method(machine, value, "capitalize", arguments);
}

Value trim(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("trim", arguments, {"chars"});
  return method(machine, value, "strip", {{params.value(0, Value(None{}))}, {}});
}

Value center(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("center", arguments, {"width"});
  return method(machine, value, "center", {{Value(params.whole(0, 80))}, {}});
}

// Words begin after white space and - ( { [ <.
Value title(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("title", arguments, {});
  const std::string text = to_text(machine, value);
  machine.budget.look_at(16 * text.size());
  std::string out;
  std::size_t word = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const CodePoint point = next_code_point(text, at);
    if (!is_space(point) &&
        std::u32string_view(U"-({[<").find(static_cast<char32_t>(point)) == std::u32string_view::npos)
      continue;
    out += first_upper(std::string_view(text).substr(word, begin - word)) + text.substr(begin, at - begin);
    word = at;
  }
  return make_text(machine.budget, out + first_upper(std::string_view(text).substr(word)));
}

bool is_markup(const Value& value) { return value.text() && value.text()->markup; }

// In an autoescape block: a text that is not markup is escaped if its replacement is, or what it replaces.
Value replaced_in_markup(Machine& machine, const Value& value, const Params& params) {
  Value text = as_text(machine, value);
  if ((is_markup(params[0]) || is_markup(params[1])) && !is_markup(text))
    text = make_text(machine.budget, html_escaped(text.text()->bytes), true);
  const Value most(params.has_value(2) ? params.whole(2, -1) : -1);
  return method(machine, text, "replace", {{as_text(machine, params[0]), as_text(machine, params[1]), most}, {}});
}

Value replace(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("replace", arguments, {"old", "new", "count"}, 2);
  if (machine.autoescape) return replaced_in_markup(machine, value, params);
  const std::string text = to_text(machine, value), old = to_text(machine, params[0]),
                    fresh = to_text(machine, params[1]);
  return make_text(machine.budget, replaced(text, old, fresh, params.has_value(2) ? params.whole(2, -1) : -1));
}

Value join(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("join", arguments, {"d", "attribute"});
  const std::string glue = params.given(0) ? to_text(machine, params[0]) : "";
  const Getter getter = params.has_value(1) ? Getter(params[1]) : Getter();
  Values parts;
  for (const Value& one : items_of(machine, value)) parts.push_back(getter.of(machine, one));
  const bool markup =
      machine.autoescape && ((params.given(0) && is_markup(params[0])) || std::ranges::any_of(parts, is_markup));
  const bool escapes_glue = markup && !(params.given(0) && is_markup(params[0]));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += escapes_glue ? html_escaped(glue) : glue;
    const std::string part = to_text(machine, parts[i]);
    out += markup && !is_markup(parts[i]) ? html_escaped(part) : part;
    machine.budget.look_at(glue.size());
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine.budget, std::move(out), markup);
}

Value string(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("string", arguments, {});
  return as_text(machine, value);
}

Value safe(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("safe", arguments, {});
  return make_text(machine.budget, to_text(machine, value), true);
}

Value force_escape(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("forceescape", arguments, {});
  return make_text(machine.budget, html_escaped(to_text(machine, value)), true);
}

Value escape(Machine& machine, const Value& value, const Arguments& arguments) {
  if (!value.text() || !value.text()->markup) return force_escape(machine, value, arguments);
  const Params params("escape", arguments, {});
  return value;
}

Value indent(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("indent", arguments, {"width", "first", "blank"});
  value.require_defined();
  if (!value.text()) fail("indent: expected str, found " + value.type_name());
  const bool first = params.flag(machine, 1, false), blank = params.flag(machine, 2, false);
  std::string indention;
  if (params.given(0) && params[0].text())
    indention = params.text(0);
  else
    indention =
        compute(machine, Arithmetic::multiply, Value(std::string(" ")), Value(params.whole(0, 4))).text()->bytes;
  const std::string text = value.text()->bytes + "\n";
  machine.budget.make(text.size());
  std::string out = first ? indention : "";
  bool any = false;
  for (const std::string_view line : lines_of(machine, text, false)) {
    if (any) out += '\n';
    if (any && (blank || !line.empty())) out += indention;
    any = true;
    out += line;
    machine.budget.look_at(indention.size());
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine.budget, std::move(out), value.text()->markup);
}

Value format(Machine& machine, const Value& value, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    fail("can't handle positional and keyword arguments at the same time");
  Value given = make_tuple(machine.budget, arguments.positional);
  if (!arguments.named.empty()) {
    Mapping named;
    for (const auto& [name, one] : arguments.named) named.set(Value(name), one);
    given = make_mapping(machine.budget, std::move(named));
  }
  return compute(machine, Arithmetic::modulo, as_text(machine, value), given);
}

// The indent: that many spaces, or the given text.
std::string indent_of(Machine& machine, const Value& given) {
  if (const Text* text = given.text()) return text->bytes;
  const auto width = given.whole();
  if (!width) fail("tojson(): indent: expected int or str, found " + given.type_name());
  if (*width > 1000) fail("tojson(): an indent of more than 1000");
  machine.budget.step();
  return std::string(static_cast<std::size_t>(std::max<std::int64_t>(*width, 0)), ' ');
}

Value to_json_text(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = params.flag(machine, 0, false);
  style.indented = params.has_value(1);
  if (style.indented) {
    style.indent = indent_of(machine, params[1]);
    style.item_separator = ",";
  }
  if (params.has_value(2)) {
    const Values both = items_of(machine, params[2]);
    if (both.size() != 2 || !both[0].text() || !both[1].text()) fail("tojson(): separators: expected two texts");
    style.item_separator = both[0].text()->bytes;
    style.key_separator = both[1].text()->bytes;
  }
  style.sorted = params.flag(machine, 3, false);
  return Value(to_json(machine, value, style));
}

constexpr FilterEntry kTextFilters[] = {
    {"capitalize", capitalize},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"format", format},
    {"indent", indent},
    {"join", join},
    {"lower", lower},
    {"replace", replace},
    {"safe", safe},
    {"string", string},
    {"title", title},
    {"tojson", to_json_text},
    {"trim", trim},
    {"upper", upper},
};

}  // namespace

FilterGroup text_filters() { return {kTextFilters, std::size(kTextFilters)}; }

}  // namespace rlhf::jinja
