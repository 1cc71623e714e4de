// Python's operations on Unicode text, on top of utf8proc.
#include "jinja/unicode.h"

#include <cstring>
#include <iterator>

#include <utf8proc.h>

#include "jinja/unicode_tables.h"

namespace rlhf::jinja {
namespace {

template <std::size_t n>
bool holds(const PointRange (&ranges)[n], CodePoint point) {
  for (const PointRange& range : ranges)
    if (range.first <= point && point <= range.last) return true;
  return false;
}

bool is_cased(CodePoint point) { return is_upper(point) || is_lower(point) || is_title(point); }

bool is_case_ignorable(CodePoint point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return std::u32string_view(U"'.:\u00B7\u2018\u2019\u2024\u2027").find(point) != std::u32string_view::npos;
  }
}

const FullCase* full_case(CodePoint point) {
  if (point < 0xDF) return nullptr;
  for (const FullCase& row : kFullCase)
    if (row.point == point) return &row;
  return nullptr;
}

void append_all(std::string& text, const std::int32_t (&points)[3]) {
  for (const std::int32_t point : points)
    if (point != 0) append_code_point(text, point);
}

void append_upper(std::string& text, CodePoint point) {
  if (const FullCase* row = full_case(point))
    append_all(text, row->upper);
  else
    append_code_point(text, utf8proc_toupper(point));
}

void append_title(std::string& text, CodePoint point) {
  if (const FullCase* row = full_case(point))
    append_all(text, row->title);
  else
    append_code_point(text, utf8proc_totitle(point));
}

// Whether a sigma is final and has its own lower-case form: a letter is before it and none after it.
bool is_final_sigma(const std::vector<CodePoint>& points, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(points[before - 1])) --before;
  if (before == 0 || !is_cased(points[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < points.size() && is_case_ignorable(points[after])) ++after;
  return after == points.size() || !is_cased(points[after]);
}

void append_lower(std::string& text, const std::vector<CodePoint>& points, std::size_t at) {
  const CodePoint point = points[at];
  if (point == 0x130)
    text += "i\u0307";
  else if (point == 0x3A3)
    append_code_point(text, is_final_sigma(points, at) ? 0x3C2 : 0x3C3);
  else
    append_code_point(text, utf8proc_tolower(point));
}

std::vector<CodePoint> points_of(std::string_view text) {
  std::vector<CodePoint> points;
  for (std::size_t at = 0; at < text.size();) points.push_back(next_code_point(text, at));
  return points;
}

// Whether a character is to be stripped.
template <class Belongs>
std::string_view stripped_if(std::string_view text, Ends ends, Belongs belongs) {
  if (ends != Ends::right) {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t next = at;
      if (!belongs(next_code_point(text, next))) {
        text.remove_prefix(at);
        break;
      }
      at = next;
      if (at == text.size()) return text.substr(at);
    }
  }
  while (ends != Ends::left && !text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
    std::size_t at = begin;
    if (!belongs(next_code_point(text, at))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

}  // namespace

CodePoint next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<CodePoint>(static_cast<unsigned char>(text[i])); };
  const CodePoint first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  CodePoint point = first & (0x3F >> more);
  for (int i = 0; i < more && at < text.size(); ++i) point = point << 6 | (byte(at++) & 0x3F);
  return point;
}

void append_code_point(std::string& text, CodePoint point) {
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(point, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

std::size_t length_of(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += (byte & 0xC0) != 0x80;
  return count;
}

std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); ++at)
    if ((text[at] & 0xC0) != 0x80) starts.push_back(at);
  starts.push_back(text.size());
  return starts;
}

bool is_space(CodePoint point) {
  if (point < 0x80) return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20);
  return point == 0x85 || point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

bool is_printable(CodePoint point) {
  if (point == ' ') return true;
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

bool is_alpha(CodePoint point) {
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(CodePoint point) { return utf8proc_category(point) == UTF8PROC_CATEGORY_ND; }
bool is_digit(CodePoint point) { return is_decimal(point) || holds(kOtherDigit, point); }
bool is_numeric(CodePoint point) {
  const auto category = utf8proc_category(point);
  return (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) || holds(kHanNumeral, point);
}
bool is_alnum(CodePoint point) { return is_alpha(point) || is_numeric(point); }
bool is_word(CodePoint point) { return point == '_' || is_alnum(point); }

int decimal_value(CodePoint point) {
  CodePoint zero = point;  // the ten digits of a script follow each other
  while (is_decimal(zero - 1)) --zero;
  return (point - zero) % 10;
}

bool starts_name(CodePoint point) {
  if (point < 0x80) return point == '_' || is_alpha(point);
  const bool letter = is_alpha(point) || utf8proc_category(point) == UTF8PROC_CATEGORY_NL;
  return (letter && !holds(kNoNameStart, point) && !holds(kNoNamePart, point)) || holds(kOtherNameStart, point);
}

bool continues_name(CodePoint point) {
  if (starts_name(point) || holds(kNoNameStart, point) || holds(kOtherNamePart, point)) return true;
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

bool is_identifier(std::string_view text) {
  std::size_t at = 0;
  if (text.empty() || !starts_name(next_code_point(text, at))) return false;
  while (at < text.size())
    if (!continues_name(next_code_point(text, at))) return false;
  return true;
}

bool is_title(CodePoint point) { return utf8proc_category(point) == UTF8PROC_CATEGORY_LT; }

bool is_upper(CodePoint point) { return utf8proc_category(point) == UTF8PROC_CATEGORY_LU || holds(kOtherUpper, point); }

bool is_lower(CodePoint point) { return utf8proc_category(point) == UTF8PROC_CATEGORY_LL || holds(kOtherLower, point); }

std::string to_upper(std::string_view text) {
  std::string upper;
  for (std::size_t at = 0; at < text.size();) append_upper(upper, next_code_point(text, at));
  return upper;
}

std::string to_lower(std::string_view text) {
  const std::vector<CodePoint> points = points_of(text);
  std::string lower;
  for (std::size_t i = 0; i < points.size(); ++i) append_lower(lower, points, i);
  return lower;
}

std::string to_title(std::string_view text) {
  const std::vector<CodePoint> points = points_of(text);
  std::string title;
  bool in_word = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (in_word)
      append_lower(title, points, i);
    else
      append_title(title, points[i]);
    in_word = is_cased(points[i]);
  }
  return title;
}

std::string to_capitalized(std::string_view text) {
  const std::vector<CodePoint> points = points_of(text);
  std::string all;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == 0)
      append_title(all, points[i]);
    else
      append_lower(all, points, i);
  }
  return all;
}

std::string to_swapped(std::string_view text) {
  const std::vector<CodePoint> points = points_of(text);
  std::string swapped;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (is_upper(points[i]))
      append_lower(swapped, points, i);
    else if (is_lower(points[i]))
      append_upper(swapped, points[i]);
    else
      append_code_point(swapped, points[i]);
  }
  return swapped;
}

std::string to_folded(std::string_view text) {
  std::string folded;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = next_code_point(text, at);
    utf8proc_int32_t points[8];
    int last_class = 0;
    const auto count = utf8proc_decompose_char(point, points, 8, UTF8PROC_CASEFOLD, &last_class);
    for (utf8proc_ssize_t i = 0; i < count; ++i) append_code_point(folded, points[i]);
  }
  return folded;
}

std::string first_upper(std::string_view text) {
  if (text.empty()) return {};
  std::size_t at = 0;
  next_code_point(text, at);
  return to_upper(text.substr(0, at)) + to_lower(text.substr(at));
}

std::string_view stripped(std::string_view text, Ends ends) { return stripped_if(text, ends, is_space); }

std::string_view stripped(std::string_view text, Ends ends, std::string_view set) {
  const std::vector<CodePoint> points = points_of(set);
  return stripped_if(text, ends, [&](CodePoint point) {
    for (const CodePoint one : points)
      if (one == point) return true;
    return false;
  });
}

std::size_t find_bytes(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace rlhf::jinja
