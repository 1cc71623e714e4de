// Methods of str. Offsets and widths are in characters.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr auto npos = std::string_view::npos;

// Every method begins with this: it charges one pass over the text.
const Text& read(Machine& machine, const Value& self) {
  machine.budget.look_at(self.text()->bytes.size());
  return *self.text();
}

Value strip(Machine& machine, const Value& self, const Arguments& arguments, Ends ends) {
  const Params params("strip", arguments, {""});
  const Text& text = read(machine, self);
  if (!params.has_value(0)) return make_text(machine.budget, std::string(stripped(text.bytes, ends)), text.markup);
  machine.budget.step(text.bytes.size() / 64 * params.text(0).size());
  return make_text(machine.budget, std::string(stripped(text.bytes, ends, params.text(0))), text.markup);
}
Value strip_both(Machine& m, const Value& self, const Arguments& a) { return strip(m, self, a, Ends::both); }
Value strip_left(Machine& m, const Value& self, const Arguments& a) { return strip(m, self, a, Ends::left); }
Value strip_right(Machine& m, const Value& self, const Arguments& a) { return strip(m, self, a, Ends::right); }

template <std::string (*change)(std::string_view)>
Value changed(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("a method of str", arguments, {});
  const Text& text = read(machine, self);
  machine.budget.look_at(16 * text.bytes.size());  // more expensive than a search
  return make_text(machine.budget, change(text.bytes), text.markup);
}

template <bool (*holds)(CodePoint)>
Value all_are(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("a method of str", arguments, {});
  const Text& text = read(machine, self);
  for (std::size_t at = 0; at < text.bytes.size();)
    if (!holds(next_code_point(text.bytes, at))) return Value(false);
  return Value(!text.bytes.empty());
}
bool is_alnum(CodePoint point) { return is_alpha(point) || is_digit(point); }
bool is_ascii(CodePoint point) { return point < 0x80; }

Value isascii(Machine& machine, const Value& self, const Arguments& arguments) {
  return self.text()->bytes.empty() ? Value(true) : all_are<is_ascii>(machine, self, arguments);
}

// Whether there is a letter of the wanted case and none of another case.
template <bool (*wanted)(std::string_view)>
Value case_is(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("a method of str", arguments, {});
  return Value(wanted(read(machine, self).bytes));
}

Value split_at(Machine& machine, const Value& self, const Arguments& arguments, bool from_right) {
  const Params params("split", arguments, {"sep", "maxsplit"});
  const Text& text = read(machine, self);
  const std::int64_t most = params.whole(1, -1);
  if (params.has_value(0) && params.text(0).empty()) fail("empty separator");
  const Pieces pieces = params.has_value(0) ? split_by(machine, text.bytes, params.text(0), most, from_right)
                                            : split_by_space(machine, text.bytes, most, from_right);
  return list_of(machine, pieces, text.markup);
}
Value split(Machine& m, const Value& self, const Arguments& a) { return split_at(m, self, a, false); }
Value rsplit(Machine& m, const Value& self, const Arguments& a) { return split_at(m, self, a, true); }

Value splitlines(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("splitlines", arguments, {"keepends"});
  const Text& text = read(machine, self);
  return list_of(machine, lines_of(machine, text.bytes, params.flag(machine, 0, false)), text.markup);
}

Value partition_at(Machine& machine, const Value& self, const Arguments& arguments, bool from_right) {
  const Params params("partition", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::string& part = params.text(0);
  if (part.empty()) fail("empty separator");
  const std::size_t at = from_right ? rfind_bytes(text.bytes, part) : find_bytes(text.bytes, part);
  const auto piece = [&](std::string bytes) { return make_text(machine.budget, std::move(bytes), text.markup); };
  if (at == npos) {
    if (from_right) return make_tuple(machine.budget, {piece(""), piece(""), piece(text.bytes)});
    return make_tuple(machine.budget, {piece(text.bytes), piece(""), piece("")});
  }
  return make_tuple(machine.budget,
                    {piece(text.bytes.substr(0, at)), piece(part), piece(text.bytes.substr(at + part.size()))});
}
Value partition(Machine& m, const Value& self, const Arguments& a) { return partition_at(m, self, a, false); }
Value rpartition(Machine& m, const Value& self, const Arguments& a) { return partition_at(m, self, a, true); }

using Ending = bool (*)(std::string_view, std::string_view);
bool begins(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool ends(std::string_view text, std::string_view part) { return text.ends_with(part); }

template <Ending fits>
Value has_ending(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("startswith or endswith", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const Sequence* several = params[0].sequence();
  if (several == nullptr || several->shape != Shape::tuple) return Value(fits(text.bytes, params.text(0)));
  for (const Value& one : several->items) {
    machine.budget.step();
    if (!one.text()) fail("tuple for startswith or endswith must only contain str, not " + one.type_name());
    if (fits(text.bytes, one.text()->bytes)) return Value(true);
  }
  return Value(false);
}

Value removeprefix(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("removeprefix", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::size_t cut = text.bytes.starts_with(params.text(0)) ? params.text(0).size() : 0;
  return make_text(machine.budget, text.bytes.substr(cut), text.markup);
}

Value removesuffix(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("removesuffix", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::size_t cut = text.bytes.ends_with(params.text(0)) ? params.text(0).size() : 0;
  return make_text(machine.budget, text.bytes.substr(0, text.bytes.size() - cut), text.markup);
}

Value replace(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("replace", arguments, {"", "", ""}, 2);
  const Text& text = read(machine, self);
  const std::string& given = params.text(1);
  const bool escape = text.markup && !params[1].text()->markup;
  return make_text(machine.budget,
                   replaced(text.bytes, params.text(0), escape ? html_escaped(given) : given, params.whole(2, -1)),
                   text.markup);
}

Value count(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("count", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::string& part = params.text(0);
  if (part.empty()) return Value(static_cast<std::int64_t>(length_of(text.bytes)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = 0; (at = find_bytes(text.bytes, part, at)) != npos; at += part.size()) ++found;
  return Value(found);
}

Value place_of(Machine& machine, const Value& self, const Arguments& arguments, bool from_right, bool must) {
  const Params params("find", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::size_t at = from_right ? rfind_bytes(text.bytes, params.text(0)) : find_bytes(text.bytes, params.text(0));
  if (at == npos && must) fail("substring not found");
  if (at == npos) return Value(std::int64_t{-1});
  return Value(static_cast<std::int64_t>(length_of(std::string_view(text.bytes).substr(0, at))));
}
Value find(Machine& m, const Value& self, const Arguments& a) { return place_of(m, self, a, false, false); }
Value rfind(Machine& m, const Value& self, const Arguments& a) { return place_of(m, self, a, true, false); }
Value index(Machine& m, const Value& self, const Arguments& a) { return place_of(m, self, a, false, true); }
Value rindex(Machine& m, const Value& self, const Arguments& a) { return place_of(m, self, a, true, true); }

Value join(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("join", arguments, {""}, 1);
  const Text& glue = read(machine, self);
  std::string out;
  bool first = true;
  for (const Value& one : items_of(machine, params[0])) {
    const Text* text = one.text();
    if (text == nullptr && !glue.markup) fail("join(): expected str in the sequence, found " + one.type_name());
    if (!first) out += glue.bytes;
    first = false;
    const std::string plain = text ? text->bytes : to_text(machine, one);
    out += glue.markup && !(text && text->markup) ? html_escaped(plain) : plain;
    machine.budget.look_at(plain.size() + glue.bytes.size());
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine.budget, std::move(out), glue.markup);
}

enum class Padding { left, right, center };

Value padded(Machine& machine, const Value& self, const Arguments& arguments, Padding padding) {
  const Params params("ljust, rjust or center", arguments, {"", ""}, 1);
  const Text& text = read(machine, self);
  const std::string fill = params.given(1) ? params.text(1) : " ";
  if (length_of(fill) != 1) fail("The fill character must be exactly one character long");
  const std::int64_t width = params.whole(0, 0), length = static_cast<std::int64_t>(length_of(text.bytes));
  if (width <= length) return self;
  const auto missing = static_cast<std::size_t>(width - length);
  if (missing > kMaxText) Budget::stop("a text of more than 16 MiB");
  machine.budget.make(missing * fill.size());
  std::size_t left = 0;
  if (padding == Padding::left) left = missing;
  if (padding == Padding::center) left = missing / 2 + (missing & static_cast<std::size_t>(width) & 1);
  return make_text(machine.budget,
                   replaced(std::string(left, ' '), " ", fill, -1) + text.bytes +
                       replaced(std::string(missing - left, ' '), " ", fill, -1),
                   text.markup);
}
Value ljust(Machine& m, const Value& self, const Arguments& a) { return padded(m, self, a, Padding::right); }
Value rjust(Machine& m, const Value& self, const Arguments& a) { return padded(m, self, a, Padding::left); }
Value center(Machine& m, const Value& self, const Arguments& a) { return padded(m, self, a, Padding::center); }

struct Method {
  std::string_view name;
  Native native;
};
constexpr Method kMethods[] = {
    {"capitalize", changed<to_capitalized>},
    {"center", center},
    {"count", count},
    {"endswith", has_ending<ends>},
    {"find", find},
    {"format", formatted},
    {"index", index},
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_alpha>},
    {"isascii", isascii},
    {"isdecimal", all_are<is_decimal>},
    {"isdigit", all_are<is_digit>},
    {"islower", case_is<all_lower>},
    {"isspace", all_are<is_space>},
    {"isupper", case_is<all_upper>},
    {"join", join},
    {"ljust", ljust},
    {"lower", changed<to_lower>},
    {"lstrip", strip_left},
    {"partition", partition},
    {"removeprefix", removeprefix},
    {"removesuffix", removesuffix},
    {"replace", replace},
    {"rfind", rfind},
    {"rindex", rindex},
    {"rjust", rjust},
    {"rpartition", rpartition},
    {"rsplit", rsplit},
    {"rstrip", strip_right},
    {"split", split},
    {"splitlines", splitlines},
    {"startswith", has_ending<begins>},
    {"strip", strip_both},
    {"title", changed<to_title>},
    {"upper", changed<to_upper>},
};

constexpr std::string_view kNotSupported[] = {"casefold",  "encode",      "expandtabs", "format_map", "isidentifier",
                                              "isnumeric", "isprintable", "istitle",    "maketrans",  "swapcase",
                                              "translate", "zfill",       "striptags",  "unescape",   "escape"};

}  // namespace

std::optional<Native> text_method(const std::string& name) {
  for (const Method& method : kMethods)
    if (method.name == name) return method.native;
  if (std::ranges::find(kNotSupported, name) != std::end(kNotSupported))
    fail("the method str." + name + " is not supported");
  return std::nullopt;
}

}  // namespace rlhf::jinja
