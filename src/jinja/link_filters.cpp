// The filter urlize: links for URLs and addresses in a text.
#include <algorithm>
#include <set>
#include <string_view>

#include "jinja/filter_groups.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr auto kNowhere = std::string_view::npos;

bool skip(std::string_view& text, std::string_view part) {
  if (text.size() < part.size() || to_lower(text.substr(0, part.size())) != part) return false;
  text.remove_prefix(part.size());
  return true;
}

bool all_of(std::string_view text, bool (*holds)(CodePoint)) {
  for (std::size_t at = 0; at < text.size();)
    if (!holds(next_code_point(text, at))) return false;
  return !text.empty();
}

bool is_host_part(CodePoint point) { return is_word(point) || point == '%' || point == '-'; }
bool is_word_or_percent(CodePoint point) { return is_word(point) || point == '%'; }
bool is_ascii_letter(CodePoint point) { return point < 0x80 && is_alpha(point); }
bool is_domain(CodePoint point) { return is_word(point) || point == '.' || point == '-'; }

bool has_length(std::string_view text, std::size_t least, std::size_t most) {
  const std::size_t length = length_of(text);
  return least <= length && length <= most;
}

// A port, and a path, query or fragment.
bool is_rest(std::string_view text) {
  const auto ends_host = [&] { return text.empty() || text[0] == '/' || text[0] == '?' || text[0] == '#'; };
  if (ends_host()) return true;
  if (text[0] != ':') return false;
  std::size_t end = 1;
  while (end < text.size()) {
    std::size_t next = end;
    if (!is_decimal(next_code_point(text, next))) break;
    end = next;
  }
  if (!has_length(text.substr(1, end - 1), 1, 5)) return false;
  text.remove_prefix(end);
  return ends_host();
}

// Splits a text that begins with a host: the labels between dots, and the rest.
std::vector<std::string_view> labels_of(std::string_view& text) {
  std::vector<std::string_view> labels;
  std::size_t begin = 0, end = 0;
  while (end < text.size()) {
    std::size_t next = end;
    const CodePoint point = next_code_point(text, next);
    if (point != '.' && !is_host_part(point)) break;
    if (point == '.') {
      labels.push_back(text.substr(begin, end - begin));
      begin = next;
    }
    end = next;
  }
  labels.push_back(text.substr(begin, end - begin));
  text.remove_prefix(end);
  return labels;
}

bool is_top_level(std::string_view label) {
  if (all_of(label, is_ascii_letter) && has_length(label, 2, 63)) return true;
  return skip(label, "xn--") && all_of(label, is_word_or_percent) && has_length(label, 2, 59);
}

bool is_common_top_level(std::string_view label) {
  static constexpr std::string_view kCommon[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
  return std::ranges::find(kCommon, to_lower(label)) != std::end(kCommon);
}

bool is_ip4(std::string_view text) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !skip(text, ".")) return false;
    std::size_t end = 0;
    for (int digits = 0; digits < 3 && end < text.size(); ++digits) {
      std::size_t next = end;
      if (!is_decimal(next_code_point(text, next))) break;
      end = next;
    }
    if (end == 0) return false;
    text.remove_prefix(end);
  }
  return is_rest(text);
}

// Removes up to four hexadecimal digits.
void skip_group(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
  text.remove_prefix(std::min<std::size_t>(digits, 4));
}

bool is_ip6(std::string_view text) {
  if (!skip(text, "[")) return false;
  for (int i = 0; i < 2; ++i) {
    skip_group(text);
    if (!skip(text, ":")) return false;
  }
  for (int i = 0; i < 6; ++i) {
    skip_group(text);
    skip(text, ":");
  }
  return skip(text, "]") && is_rest(text);
}

bool is_url(std::string_view text) {
  std::string_view host = text;
  const bool scheme = skip(host, "https://") || skip(host, "http://");
  if (scheme && (is_ip4(host) || is_ip6(host))) return true;
  const bool www = !scheme && skip(host, "www.");
  std::string_view rest = scheme || www ? host : text;
  const auto labels = labels_of(rest);
  if ((scheme || www) && is_rest(rest) && is_top_level(labels.back()) &&
      std::all_of(labels.begin(), labels.end() - 1, [](std::string_view label) { return !label.empty(); }))
    return true;
  rest = text;
  const auto plain = labels_of(rest);
  return plain.size() > 1 && is_rest(rest) && is_common_top_level(plain.back()) &&
         std::all_of(plain.begin(), plain.end() - 1, [](std::string_view label) { return has_length(label, 2, 63); });
}

bool is_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == kNowhere || at == 0) return false;
  const std::string_view domain = text.substr(at + 1);
  const std::size_t dot = domain.rfind('.');
  if (dot == kNowhere || dot == 0 || !all_of(domain, is_domain) || !all_of(domain.substr(dot + 1), is_word))
    return false;
  std::size_t first = 0;
  return is_word(next_code_point(domain, first));
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = find_bytes(text, part, at)) != kNowhere; at += part.size()) ++count;
  return count;
}

// A word without the brackets before it and the punctuation behind it.
struct Word {
  std::string_view head, middle, tail;
};

Word parts_of(std::string_view word) {
  std::size_t begin = 0;
  while (true) {
    if (word.substr(begin).starts_with('(') || word.substr(begin).starts_with('<'))
      ++begin;
    else if (word.substr(begin).starts_with("&lt;"))
      begin += 4;
    else
      break;
  }
  std::size_t end = word.size();
  while (end > begin) {
    const std::string_view left = word.substr(begin, end - begin);
    if (std::string_view(")>.,\n").find(left.back()) != kNowhere)
      --end;
    else if (left.ends_with("&gt;"))
      end -= 4;
    else
      break;
  }
  // Brackets that are opened inside the word are closed inside it.
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}) {
    const std::string_view middle = word.substr(begin, end - begin);
    const std::size_t opened = count_of(middle, open);
    if (opened <= count_of(middle, close)) continue;
    const std::size_t moved = std::min(opened, count_of(word.substr(end), close));
    for (std::size_t i = 0; i < moved; ++i) end = find_bytes(word, close, end) + close.size();
  }
  return {word.substr(0, begin), word.substr(begin, end - begin), word.substr(end)};
}

struct LinkStyle {
  std::string attributes;  // rel and target
  std::optional<std::int64_t> limit;
  std::vector<std::string> schemes;
};

std::string trimmed(std::string_view text, const LinkStyle& style) {
  if (!style.limit || static_cast<std::int64_t>(length_of(text)) <= *style.limit) return std::string(text);
  std::int64_t kept = *style.limit;
  if (kept < 0) kept = std::max<std::int64_t>(kept + static_cast<std::int64_t>(length_of(text)), 0);
  std::size_t end = 0;
  for (std::int64_t i = 0; i < kept; ++i) next_code_point(text, end);
  return std::string(text.substr(0, end)) + "...";
}

std::string linked(const std::string& middle, const LinkStyle& style) {
  const std::string_view text = middle;
  const auto link = [&](const std::string& to, const std::string& shown, bool with_attributes) {
    return "<a href=\"" + to + "\"" + (with_attributes ? style.attributes : "") + ">" + shown + "</a>";
  };
  if (is_url(text)) {
    const bool complete = text.starts_with("https://") || text.starts_with("http://");
    return link((complete ? "" : "https://") + middle, trimmed(text, style), true);
  }
  if (text.starts_with("mailto:") && is_address(text.substr(7))) return link(middle, middle.substr(7), false);
  if (text.find('@') != kNowhere && !text.starts_with("www.") && !text.starts_with('@') && text.find(':') == kNowhere &&
      is_address(text))
    return link("mailto:" + middle, middle, false);
  std::string result = middle;
  for (const std::string& scheme : style.schemes)
    if (result != scheme && result.starts_with(scheme))
      result = "<a href=\"" + result + "\"" + style.attributes + ">" + result + "</a>";
  return result;
}

std::string relations(Machine& machine, const Params& params) {
  std::set<std::string> parts = {"noopener"};
  if (params.has_value(3))
    for (const std::string_view part : split_by_space(machine, params.text(3), -1, false)) parts.emplace(part);
  if (params.flag(machine, 1, false)) parts.insert("nofollow");
  std::string all;
  for (const std::string& part : parts) (all += all.empty() ? "" : " ") += part;
  return all;
}

std::vector<std::string> schemes(Machine& machine, const Params& params) {
  std::vector<std::string> all;
  if (!params.has_value(4)) return all;
  for (const Value& one : items_of(machine, params[4])) {
    if (!one.text()) fail("urlize(): expected texts as extra_schemes, found " + one.type_name());
    const std::string& scheme = one.text()->bytes;
    const std::size_t colon = std::min(scheme.find(':'), scheme.size());
    const std::string_view name = std::string_view(scheme).substr(0, colon),
                           rest = std::string_view(scheme).substr(colon);
    const auto fits = [](CodePoint point) { return is_domain(point) || point == '+'; };
    if (!all_of(name, fits) || !has_length(name, 2, kNowhere) || (rest != ":" && rest != ":/" && rest != "://"))
      fail("'" + scheme + "' is not a valid URI scheme prefix");
    if (all.size() == 100) fail("urlize(): more than 100 extra_schemes");
    all.push_back(scheme);
  }
  return all;
}

}  // namespace

Value urlize(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("urlize", arguments, {"trim_url_limit", "nofollow", "target", "rel", "extra_schemes"});
  LinkStyle style;
  style.attributes = " rel=\"" + html_escaped(relations(machine, params)) + "\"";
  if (params.has_value(2) && !params.text(2).empty())
    style.attributes += " target=\"" + html_escaped(params.text(2)) + "\"";
  if (params.has_value(0)) style.limit = params.whole(0, 0);
  style.schemes = schemes(machine, params);
  const bool markup = value.text() && value.text()->markup;
  const std::string text = markup ? value.text()->bytes : html_escaped(to_text(machine, value));
  machine.budget.look_at(64 * text.size());  // more expensive than a search
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    bool space = false;
    for (std::size_t next = at; next < text.size() && !space; at = space ? at : next)
      space = is_space(next_code_point(text, next));
    if (at > begin) {
      const Word word = parts_of(std::string_view(text).substr(begin, at - begin));
      machine.budget.step(style.schemes.size());
      const std::string link = linked(std::string(word.middle), style);
      (((out += word.head) += link) += word.tail);
    } else {
      next_code_point(text, at);
      out.append(text, begin, at - begin);
    }
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine.budget, std::move(out), machine.autoescape);
}

}  // namespace rlhf::jinja
