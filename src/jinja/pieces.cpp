// Cutting and replacing texts.
#include "jinja/pieces.h"

#include <algorithm>

#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

bool may_cut(std::int64_t most, const Pieces& pieces) {
  return most < 0 || static_cast<std::int64_t>(pieces.size()) < most;
}

// Charges a piece with more than its bytes, because a piece is a value.
void add(Machine& machine, Pieces& pieces, std::string_view piece) {
  machine.budget.make(sizeof(Value) + sizeof(Text));
  pieces.push_back(piece);
}

// Reverses a text byte by byte: a backward search is a forward search in the reversed text.
std::string reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

bool ends_line(CodePoint point) {
  return (point >= 0x0A && point <= 0x0D) || (point >= 0x1C && point <= 0x1E) || point == 0x85 || point == 0x2028 ||
         point == 0x2029;
}

// The bounds of the first (or last) run of white space, or of anything else.
std::size_t end_of_word(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t next = at;
    if (is_space(next_code_point(text, next))) break;
    at = next;
  }
  return at;
}

std::size_t begin_of_last_word(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0) {
    std::size_t before = begin - 1;
    while (before > 0 && (text[before] & 0xC0) == 0x80) --before;
    std::size_t at = before;
    if (is_space(next_code_point(text, at))) break;
    begin = before;
  }
  return begin;
}

template <bool (*wanted)(CodePoint), bool (*other)(CodePoint)>
bool case_is(std::string_view text) {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    if (other(point) || is_title(point)) return false;
    found |= wanted(point);
  }
  return found;
}

}  // namespace

std::size_t rfind_bytes(std::string_view text, std::string_view part) {
  if (part.empty()) return text.size();
  const std::size_t at = find_bytes(reversed(text), reversed(part));
  return at == std::string_view::npos ? std::string_view::npos : text.size() - at - part.size();
}

Pieces split_by(Machine& machine, std::string_view text, std::string_view separator, std::int64_t most,
                bool from_right) {
  Pieces pieces;
  if (!from_right) {
    for (std::size_t at; may_cut(most, pieces) && (at = find_bytes(text, separator)) != std::string_view::npos;) {
      add(machine, pieces, text.substr(0, at));
      text.remove_prefix(at + separator.size());
    }
    add(machine, pieces, text);
    return pieces;
  }
  const std::string mirrored = reversed(text), mark = reversed(separator);
  std::size_t from = 0;  // in the reversed text
  for (std::size_t at; may_cut(most, pieces) && (at = find_bytes(mirrored, mark, from)) != std::string_view::npos;) {
    add(machine, pieces, text.substr(text.size() - at, at - from));
    from = at + mark.size();
  }
  add(machine, pieces, text.substr(0, text.size() - from));
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

Pieces split_by_space(Machine& machine, std::string_view text, std::int64_t most, bool from_right) {
  Pieces pieces;
  while (!(text = stripped(text, from_right ? Ends::right : Ends::left)).empty()) {
    if (!may_cut(most, pieces)) {
      add(machine, pieces, text);
      break;
    }
    const std::size_t at = from_right ? begin_of_last_word(text) : end_of_word(text);
    add(machine, pieces, from_right ? text.substr(at) : text.substr(0, at));
    text = from_right ? text.substr(0, at) : text.substr(at);
  }
  if (from_right) std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

Pieces lines_of(Machine& machine, std::string_view text, bool keep_ends) {
  Pieces lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at;
    const CodePoint point = next_code_point(text, at);
    if (!ends_line(point)) continue;
    if (point == '\r' && at < text.size() && text[at] == '\n') ++at;
    add(machine, lines, text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) add(machine, lines, text.substr(begin));
  return lines;
}

Value list_of(Machine& machine, const Pieces& pieces, bool markup) {
  Values items;
  for (const std::string_view piece : pieces) items.push_back(make_text(machine.budget, std::string(piece), markup));
  return make_list(machine.budget, std::move(items));
}

std::string replaced(std::string_view text, std::string_view old, std::string_view fresh, std::int64_t most) {
  std::string out;
  std::size_t at = 0;
  for (std::int64_t done = 0; most < 0 || done < most; ++done) {
    const std::size_t found = find_bytes(text, old, at);
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at)).append(fresh);
    if (out.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    at = found + old.size();
    if (!old.empty()) continue;
    if (at == text.size()) return out;  // nothing follows the last gap
    const std::size_t begin = at;
    next_code_point(text, at);
    out.append(text.substr(begin, at - begin));
  }
  return out.append(text.substr(at));
}

bool all_upper(std::string_view text) { return case_is<is_upper, is_lower>(text); }
bool all_lower(std::string_view text) { return case_is<is_lower, is_upper>(text); }

}  // namespace rlhf::jinja
