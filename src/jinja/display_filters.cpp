// Filters that shorten, wrap and print: truncate, wordwrap, wordcount, pprint, filesizeformat.
#include <cmath>
#include <cstdio>
#include <iterator>

#include "jinja/filter_groups.h"
#include "jinja/format_spec.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/pretty.h"
#include "jinja/show.h"
#include "jinja/unicode.h"
#include "jinja/wrap.h"

namespace rlhf::jinja {
namespace {

Value truncate(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const Value end = params.value(2, Value(std::string("...")));
  const std::int64_t length = params.whole(0, 255), leeway = params.has_value(3) ? params.whole(3, 5) : 5;
  const std::int64_t kept = length - jinja::length(machine, end);
  if (kept < 0) fail("truncate(): expected a length of at least that of the end");
  if (leeway < 0) fail("truncate(): expected leeway >= 0, got " + std::to_string(leeway));
  const std::int64_t size = jinja::length(machine, value);
  if (size <= length || size - length <= leeway) return value;
  const Value cut = slice(machine, value, Value(None{}), Value(kept), Value(None{}));
  if (params.flag(machine, 1, false)) return compute(machine, Arithmetic::add, cut, end);
  if (!cut.text()) fail("'" + cut.type_name() + "' object has no attribute 'rsplit'");
  const Pieces pieces = split_by(machine, cut.text()->bytes, " ", 1, /*from_right=*/true);
  return compute(machine, Arithmetic::add, make_text(machine.budget, std::string(pieces.front()), cut.text()->markup),
                 end);
}

Value wordcount(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("wordcount", arguments, {});
  const std::string text = to_text(machine, value);
  std::int64_t count = 0;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const bool word = is_word(next_code_point(text, at));
    count += word && !in_word;
    in_word = word;
  }
  return Value(count);
}

Value wordwrap(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("wordwrap", arguments, {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  const WrapStyle style{params.whole(0, 79), params.flag(machine, 1, true), params.flag(machine, 3, true)};
  const std::string glue = params.has_value(2) ? params.text(2) : "\n";
  value.require_defined();
  if (!value.text()) fail("'" + value.type_name() + "' object has no attribute 'splitlines'");
  std::string out;
  bool first = true;
  for (const std::string_view line : lines_of(machine, value.text()->bytes, false)) {
    if (!std::exchange(first, false)) out += glue;
    bool first_part = true;
    for (const std::string& part : wrapped(machine, line, style)) {
      if (!std::exchange(first_part, false)) out += glue;
      out += part;
      machine.budget.look_at(glue.size() + part.size());
      if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    }
  }
  return make_text(machine.budget, std::move(out));
}

Value pprint(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("pprint", arguments, {});
  return make_text(machine.budget, pretty(machine, value));
}

Value filesizeformat(Machine& machine, const Value& value, const Arguments& arguments) {
  static constexpr std::string_view kPrefixes = "kMGTPEZY";
  const Params params("filesizeformat", arguments, {"binary"});
  const bool binary = params.flag(machine, 0, false);
  const Value none{None{}};
  const Value size = (*find_filter("float"))(machine, value, {{none}, {}});
  if (size.is_none()) fail("filesizeformat(): expected a number, found " + value.type_name());
  const double bytes = *size.number(), base = binary ? 1024 : 1000;
  if (bytes == 1) return make_text(machine.budget, "1 Byte");
  if (bytes < base) {
    if (std::isinf(bytes)) fail("cannot convert float infinity to integer");
    return make_text(machine.budget,
                     real_digits(std::trunc(bytes), 'f', 0, false).insert(0, bytes <= -1 ? "-" : "") + " Bytes");
  }
  double unit = base * base;
  std::size_t i = 0;
  for (; i + 1 < kPrefixes.size() && !(bytes < unit); ++i) unit *= base;
  const char prefix = kPrefixes[i] == 'k' && binary ? 'K' : kPrefixes[i];
  const Value shown(base * bytes / unit);
  return make_text(machine.budget, formatted_by(machine, shown, ".1f") + " " + prefix + (binary ? "iB" : "B"));
}

constexpr FilterEntry kDisplayFilters[] = {
    {"filesizeformat", filesizeformat}, {"pprint", pprint},     {"truncate", truncate},
    {"wordcount", wordcount},           {"wordwrap", wordwrap},
};

}  // namespace

FilterGroup display_filters() { return {kDisplayFilters, std::size(kDisplayFilters)}; }

}  // namespace rlhf::jinja
