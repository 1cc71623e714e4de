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
bool is_ascii(CodePoint point) { return point < 0x80; }

// The same, but true for an empty text.
template <bool (*holds)(CodePoint)>
Value none_is_other(Machine& machine, const Value& self, const Arguments& arguments) {
  return self.text()->bytes.empty() ? Value(true) : all_are<holds>(machine, self, arguments);
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

// The part of a text between the arguments `start` and `end` (by Python's rules for slices).
struct Part {
  std::string_view text;
  std::int64_t begin = 0;  // in characters
  bool exists = true;      // false if the part would begin behind its end: then not even "" is in it
};

Part part_of(std::string_view text, const Params& params, std::size_t first) {
  Part part{text};
  if (!params.given(first)) return part;
  const auto length = static_cast<std::int64_t>(length_of(text));
  const auto place = [&](std::int64_t at) { return std::max<std::int64_t>(at < 0 ? at + length : at, 0); };
  part.begin = params.has_value(first) ? place(params.whole(first, 0)) : 0;
  const std::int64_t end = params.has_value(first + 1) ? std::min(place(params.whole(first + 1, 0)), length) : length;
  part.exists = part.begin <= end;
  if (!part.exists) return part;
  std::size_t from = 0;
  for (std::int64_t i = 0; i < part.begin; ++i) next_code_point(text, from);
  std::size_t to = from;
  for (std::int64_t i = part.begin; i < end; ++i) next_code_point(text, to);
  part.text = text.substr(from, to - from);
  return part;
}

using Ending = bool (*)(std::string_view, std::string_view);
bool begins(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool ends(std::string_view text, std::string_view part) { return text.ends_with(part); }

template <Ending fits>
Value has_ending(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("startswith or endswith", arguments, {"", "", ""}, 1);
  const Part part = part_of(read(machine, self).bytes, params, 1);
  const Sequence* several = params[0].sequence();
  if (several == nullptr || several->shape != Shape::tuple)
    return Value(fits(part.text, params.text(0)) && part.exists);
  for (const Value& one : several->items) {
    machine.budget.step();
    if (!one.text()) fail("tuple for startswith or endswith must only contain str, not " + one.type_name());
    if (part.exists && fits(part.text, one.text()->bytes)) return Value(true);
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
  const Params params("count", arguments, {"", "", ""}, 1);
  const Part within = part_of(read(machine, self).bytes, params, 1);
  const std::string& part = params.text(0);
  if (!within.exists) return Value(std::int64_t{0});
  if (part.empty()) return Value(static_cast<std::int64_t>(length_of(within.text)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = 0; (at = find_bytes(within.text, part, at)) != npos; at += part.size()) ++found;
  return Value(found);
}

Value place_of(Machine& machine, const Value& self, const Arguments& arguments, bool from_right, bool must) {
  const Params params("find", arguments, {"", "", ""}, 1);
  const Part part = part_of(read(machine, self).bytes, params, 1);
  const std::size_t at = from_right ? rfind_bytes(part.text, params.text(0)) : find_bytes(part.text, params.text(0));
  const bool found = part.exists && at != npos;
  if (!found && must) fail("substring not found");
  if (!found) return Value(std::int64_t{-1});
  return Value(part.begin + static_cast<std::int64_t>(length_of(part.text.substr(0, at))));
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

Value zfill(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("zfill", arguments, {""}, 1);
  const Text& text = read(machine, self);
  const std::int64_t width = params.whole(0, 0), length = static_cast<std::int64_t>(length_of(text.bytes));
  if (width <= length) return self;
  const auto missing = static_cast<std::size_t>(width - length);
  machine.budget.make(missing);
  const std::size_t sign = text.bytes.starts_with('+') || text.bytes.starts_with('-');
  return make_text(machine.budget, std::string(text.bytes).insert(sign, std::string(missing, '0')), text.markup);
}

Value expandtabs(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("expandtabs", arguments, {"tabsize"});
  const Text& text = read(machine, self);
  const std::int64_t size = params.whole(0, 8);
  if (size > static_cast<std::int64_t>(kMaxText)) Budget::stop("a text of more than 16 MiB");
  std::string out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const std::size_t begin = at;
    const CodePoint point = next_code_point(text.bytes, at);
    if (point != '\t') {
      out.append(text.bytes, begin, at - begin);
      column = point == '\n' || point == '\r' ? 0 : column + 1;
      continue;
    }
    const std::int64_t count = size > 0 ? size - column % size : 0;
    if (out.size() + static_cast<std::size_t>(count) > kMaxText) Budget::stop("a text of more than 16 MiB");
    out.append(static_cast<std::size_t>(count), ' ');
    column += count;
  }
  return make_text(machine.budget, std::move(out), text.markup);
}

// Upper case begins words, lower case continues them.
Value istitle(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("istitle", arguments, {});
  const std::string& text = read(machine, self).bytes;
  bool in_word = false, any = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    const bool begins_word = is_upper(point) || is_title(point), lower = is_lower(point);
    if (begins_word ? in_word : lower && !in_word) return Value(false);
    in_word = begins_word || lower;
    any |= in_word;
  }
  return Value(any);
}

Value isidentifier(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("isidentifier", arguments, {});
  return Value(is_identifier(read(machine, self).bytes));
}

CodePoint only_point(const Value& text) {
  if (!text.text() || length_of(text.text()->bytes) != 1) fail("maketrans(): expected texts of one character");
  std::size_t at = 0;
  return next_code_point(text.text()->bytes, at);
}

Value point_value(CodePoint point) { return Value(static_cast<std::int64_t>(point)); }

// From a mapping of characters, or from two texts of equal length; the characters of a third text are deleted.
Value maketrans(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("maketrans", arguments, {"", "", ""}, 1);
  Mapping table;
  if (!params.given(1)) {
    if (!params[0].mapping()) fail("maketrans(): if there is one argument, it must be a dict");
    for (const auto& [key, to] : params[0].mapping()->entries)
      table.set(key.whole() ? Value(*key.whole()) : point_value(only_point(key)), to);
    return make_mapping(machine.budget, std::move(table));
  }
  const Values from = items_of(machine, Value(params.text(0))), to = items_of(machine, Value(params.text(1)));
  if (from.size() != to.size()) fail("maketrans(): the first two arguments must have equal length");
  for (std::size_t i = 0; i < from.size(); ++i)
    table.set(point_value(only_point(from[i])), point_value(only_point(to[i])));
  if (params.given(2))
    for (const Value& one : items_of(machine, Value(params.text(2))))
      table.set(point_value(only_point(one)), Value(None{}));
  return make_mapping(machine.budget, std::move(table));
}

Value translate(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("translate", arguments, {""}, 1);
  const Text& text = read(machine, self);
  if (!params[0].mapping()) fail("translate(): expected dict, found " + params[0].type_name());
  std::string out;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const std::size_t begin = at;
    const CodePoint point = next_code_point(text.bytes, at);
    machine.budget.step();
    const Value* to = params[0].mapping()->find(point_value(point));
    if (to == nullptr) {
      out.append(text.bytes, begin, at - begin);
    } else if (to->text()) {
      out += to->text()->bytes;
    } else if (const auto number = to->whole()) {
      if (*number < 0 || *number > 0x10FFFF || (*number >= 0xD800 && *number < 0xE000))
        fail("translate(): a number that is no character");
      append_code_point(out, static_cast<CodePoint>(*number));
    } else if (!to->is_none()) {
      fail("character mapping must return integer, None or str");
    }
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine.budget, std::move(out), text.markup);
}

struct Method {
  std::string_view name;
  Native native;
};
constexpr Method kMethods[] = {
    {"capitalize", changed<to_capitalized>},
    {"casefold", changed<to_folded>},
    {"center", center},
    {"count", count},
    {"endswith", has_ending<ends>},
    {"expandtabs", expandtabs},
    {"find", find},
    {"format", formatted},
    {"format_map", formatted_by_map},
    {"index", index},
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_alpha>},
    {"isascii", none_is_other<is_ascii>},
    {"isdecimal", all_are<is_decimal>},
    {"isdigit", all_are<is_digit>},
    {"islower", case_is<all_lower>},
    {"isidentifier", isidentifier},
    {"isnumeric", all_are<is_numeric>},
    {"isprintable", none_is_other<is_printable>},
    {"isspace", all_are<is_space>},
    {"istitle", istitle},
    {"isupper", case_is<all_upper>},
    {"join", join},
    {"ljust", ljust},
    {"lower", changed<to_lower>},
    {"lstrip", strip_left},
    {"maketrans", maketrans},
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
    {"swapcase", changed<to_swapped>},
    {"title", changed<to_title>},
    {"translate", translate},
    {"upper", changed<to_upper>},
    {"zfill", zfill},
};

}  // namespace

std::optional<Native> text_method(const std::string& name) {
  for (const Method& method : kMethods)
    if (method.name == name) return method.native;
  if (name == "encode") fail("the method str.encode is not supported, because there are no bytes");
  return std::nullopt;
}

}  // namespace rlhf::jinja
