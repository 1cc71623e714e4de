// Filters for HTML and URLs, and the methods of Markup.
#include <iterator>
#include <string_view>

#include "jinja/filter_groups.h"
#include "jinja/literals.h"
#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

// Percent-encodes all bytes but letters, digits, _ . - ~ and, in a path, the slash.
std::string quoted_url(std::string_view text, bool in_query) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte < 0x80 && is_alnum(byte)) || std::string_view("_.-~").find(c) != std::string_view::npos;
    if (plain || (c == '/' && !in_query))
      out += c;
    else if (c == ' ' && in_query)
      out += '+';
    else
      ((out += '%') += kDigits[byte / 16]) += kDigits[byte % 16];
  }
  return out;
}

Value urlencode(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("urlencode", arguments, {});
  if (value.text() || !(value.is_undefined() || value.mapping() || value.sequence()))
    return make_text(machine.budget, quoted_url(to_text(machine, value), false));
  std::string out;
  const auto add = [&](const Value& key, const Value& one) {
    if (!out.empty()) out += '&';
    out += quoted_url(to_text(machine, key), true) + "=" + quoted_url(to_text(machine, one), true);
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  };
  if (value.mapping()) {
    for (const auto& [key, one] : value.mapping()->entries) add(key, one);
    return make_text(machine.budget, std::move(out));
  }
  for (const Value& pair : items_of(machine, value)) {
    const Values parts = items_of(machine, pair);
    if (parts.size() != 2) fail("urlencode(): expected pairs, found " + std::to_string(parts.size()) + " values");
    add(parts[0], parts[1]);
  }
  return make_text(machine.budget, std::move(out));
}

std::string escaped(Machine& machine, const Value& value) {
  const std::string text = to_text(machine, value);
  return value.text() && value.text()->markup ? text : html_escaped(text);
}

Value xmlattr(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("xmlattr", arguments, {"autospace"});
  value.require_defined();
  if (!value.mapping()) fail("'" + value.type_name() + "' object has no attribute 'items'");
  std::string out;
  for (const auto& [key, one] : value.mapping()->entries) {
    if (one.is_none() || one.is_undefined()) continue;
    if (!key.text()) fail("xmlattr(): expected texts as keys, found " + key.type_name());
    if (key.text()->bytes.find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      fail("Invalid character in attribute name: " + to_repr(machine, key));
    if (!out.empty()) out += ' ';
    out += escaped(machine, key) + "=\"" + escaped(machine, one) + "\"";
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  if (params.flag(machine, 0, true) && !out.empty()) out.insert(0, 1, ' ');
  return make_text(machine.budget, std::move(out), machine.autoescape);
}

// Without comments and tags; what is not closed stays.
std::string without_tags(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t start; (start = text.find('<', at)) != std::string_view::npos;) {
    const bool comment = text.substr(start).starts_with("<!--");
    const std::size_t end = comment ? text.find("-->", start + 4) : text.find('>', start);
    if (end == std::string_view::npos) break;
    out += text.substr(at, start - at);
    at = end + (comment ? 3 : 1);
  }
  return out += text.substr(at);
}

// A character reference at the & at `at`: &amp; &#39; &#x27;. Moves `at` behind it.
std::string reference(std::string_view text, std::size_t& at) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00A0"}};
  const std::size_t begin = at++;
  const std::size_t end =
      std::min(text.find_first_of(" \t\n\f<&#;", at + (text.substr(at).starts_with('#'))), text.size());
  const std::string_view name = text.substr(at, end - at);
  const bool closed = end < text.size() && text[end] == ';';
  if (name.starts_with('#')) {
    const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::size_t from = at + 1 + hexadecimal;
    const std::size_t to =
        std::min(text.find_first_not_of(hexadecimal ? "0123456789abcdefABCDEF" : "0123456789", from), text.size());
    if (to == from) return std::string(text.substr(begin, at - begin));
    CodePoint point = 0;
    for (std::size_t i = from; i < to; ++i)
      point = std::min(point * (hexadecimal ? 16 : 10) + std::stoi(std::string(1, text[i]), nullptr, 16), 0x110000);
    at = to + (to < text.size() && text[to] == ';');
    if (point >= 0x80 && point < 0xA0) fail("the character reference to a control character is not supported");
    std::string out;
    append_code_point(out, point == 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000) ? 0xFFFD : point);
    return out;
  }
  for (const auto& [known, meant] : kNames) {
    if (name != known || (!closed && known == "apos")) continue;
    at = end + closed;
    return std::string(meant);
  }
  if (closed && !name.empty()) fail("the character reference &" + std::string(name) + "; is not supported");
  return std::string(text.substr(begin, at - begin));
}

std::string unescaped_html(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '&')
      out += reference(text, at);
    else
      out += text[at++];
  }
  return out;
}

Value unescape(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("unescape", arguments, {});
  machine.budget.look_at(16 * self.text()->bytes.size());
  return make_text(machine.budget, unescaped_html(self.text()->bytes));
}

Value striptags(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("striptags", arguments, {});
  const std::string text = to_text(machine, value);
  machine.budget.look_at(16 * text.size());
  const std::string plain = without_tags(text);
  std::string out;
  for (const std::string_view word : split_by_space(machine, plain, -1, false)) (out += out.empty() ? "" : " ") += word;
  return make_text(machine.budget, unescaped_html(out));
}

Value escape_method(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("escape", arguments, {"s"}, 1);
  return make_text(machine.budget, escaped(machine, params[0]), true);
}

constexpr FilterEntry kWebFilters[] = {
    {"striptags", striptags}, {"urlencode", urlencode}, {"urlize", urlize}, {"xmlattr", xmlattr}};

}  // namespace

FilterGroup web_filters() { return {kWebFilters, std::size(kWebFilters)}; }

std::optional<Native> markup_method(const std::string& name) {
  if (name == "striptags") return striptags;
  if (name == "unescape") return unescape;
  if (name == "escape") return escape_method;
  return std::nullopt;
}

}  // namespace rlhf::jinja
