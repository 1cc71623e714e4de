// Translates regular expressions from Oniguruma's syntax to PCRE2's.
#include "text/hf/pattern.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>

namespace rlhf::hf {
namespace {

constexpr std::size_t kMaxPatternBytes = 16 << 10;

// Oniguruma's \s and \w. PCRE2's \s also matches U+180E, and its \w does not match marks; Oniguruma's \w also matches
// the superscript digits and fractions of Latin-1.
const std::string kSpaces =
    R"(\x09-\x0d\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
const std::string kWordCharacters = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Both syntaxes derive from Perl's, so most characters are copied. Constructs that differ are rewritten; constructs
// that are not known to be equal are refused.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (in_set_) {
        set_member(c);
      } else if (c == '[') {
        open_set();
      } else if (c == '(') {
        group();
      } else if (c == '{') {
        interval();
      } else {
        copy(1);
      }
    }
    return out_;
  }

 private:
  [[noreturn]] void refuse(std::size_t length) const {
    throw std::invalid_argument("\"" + std::string(pattern_.substr(at_, length)) + "\", which is not supported");
  }
  void copy(std::size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += std::min(count, pattern_.size() - at_);
  }
  void write(const std::string& text, std::size_t read) {
    out_ += text;
    at_ += read;
  }
  bool ahead(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  void open_set() {
    in_set_ = true;
    copy(ahead("[^") ? 2 : 1);
    if (ahead("]")) refuse(1);
  }

  // Only Oniguruma has nested sets and intersections.
  void set_member(char c) {
    if (c == '[' || ahead("&&")) refuse(2);
    if (c == ']') in_set_ = false;
    copy(1);
  }

  void group() {
    if (ahead("(*")) refuse(2);
    if (!ahead("(?")) return copy(1);
    for (const std::string_view kind : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"})
      if (ahead(kind)) return copy(kind.size());
    refuse(4);
  }

  // {n}, {n,} and {n,m}. A "+" after them, or a "?" after {n}, has different meanings in the two syntaxes.
  void interval() {
    std::size_t end = at_ + 1;
    while (end < pattern_.size() && (is_digit(pattern_[end]) || pattern_[end] == ',')) ++end;
    const std::string_view inside = pattern_.substr(at_ + 1, end - at_ - 1);
    const bool good = !inside.empty() && is_digit(inside[0]) && std::count(inside.begin(), inside.end(), ',') <= 1 &&
                      end < pattern_.size() && pattern_[end] == '}';
    if (!good) refuse(4);
    const char next = end + 1 < pattern_.size() ? pattern_[end + 1] : '\0';
    if (next == '+' || (next == '?' && inside.find(',') == std::string_view::npos)) refuse(end + 2 - at_);
    copy(end + 1 - at_);
  }

  void escape() {
    if (at_ + 1 == pattern_.size()) refuse(1);
    const char c = pattern_[at_ + 1];
    switch (c) {
      case 's':
        return write(in_set_ ? kSpaces : "[" + kSpaces + "]", 2);
      case 'S':
        return write(in_set_ ? "\\P{White_Space}" : "[^" + kSpaces + "]", 2);
      case 'w':
        return write(in_set_ ? kWordCharacters : "[" + kWordCharacters + "]", 2);
      case 'W':
        if (in_set_) refuse(2);
        return write("[^" + kWordCharacters + "]", 2);
      case 'd':
        return write("\\p{Nd}", 2);
      case 'D':
        return write("\\P{Nd}", 2);
      case 'v':
        return write("\\x0b", 2);
      case 'p':
      case 'P':
        return property();
      case 'x':
      case 'u':
        return code_point();
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'a':
      case 'e':
        return copy(2);
      case 'A':
      case 'z':
      case 'Z':
        if (in_set_) refuse(2);
        return copy(2);
      default:
        if (is_alphanumeric(c)) refuse(2);
        return copy(2);
    }
  }

  // General categories have names of one or two letters in both; a longer name is a script.
  void property() {
    const auto end = pattern_.find('}', at_);
    if (at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{' || end == std::string_view::npos) refuse(3);
    std::string_view name = pattern_.substr(at_ + 3, end - at_ - 3);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    const bool letters = std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
    if (name.empty() || !letters) refuse(end + 1 - at_);
    const bool inverse = negated != (pattern_[at_ + 1] == 'P');
    write(std::string(inverse ? "\\P{" : "\\p{") + (name.size() > 2 ? "sc:" : "") + std::string(name) + "}",
          end + 1 - at_);
  }

  // \xHH (of ASCII), \x{H…}, \uHHHH
  void code_point() {
    const bool braces = at_ + 2 < pattern_.size() && pattern_[at_ + 1] == 'x' && pattern_[at_ + 2] == '{';
    const std::size_t begin = at_ + (braces ? 3 : 2), most = braces ? 6 : pattern_[at_ + 1] == 'u' ? 4 : 2;
    std::size_t end = begin;
    while (end < pattern_.size() && end - begin < most && is_hex(pattern_[end])) ++end;
    const std::string digits(pattern_.substr(begin, end - begin));
    const bool closed = !braces || (end < pattern_.size() && pattern_[end] == '}');
    if (digits.empty() || !closed || (most == 4 && digits.size() < 4)) refuse(end - at_);
    if (most == 2 && std::stoul(digits, nullptr, 16) > 0x7F) refuse(end - at_);  // a byte, not a character
    write("\\x{" + digits + "}", end + (braces ? 1 : 0) - at_);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool in_set_ = false;
  std::string out_;
};

}  // namespace

std::string to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

Finder finder_of_regex(const Regex& regex) {
  return [regex](std::string_view text, std::vector<TextRange>& found) { regex.find_all(text, found); };
}

Finder finder_of_text(const std::string& wanted) {
  return [wanted](std::string_view text, std::vector<TextRange>& found) {
    found.clear();
    for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size()))
      found.push_back({at, at + wanted.size()});
  };
}

Finder read_pattern(const JsonReader& node) {
  node.allow_only({"String", "Regex"});
  if (node.object().size() != 1) node.fail("one of the keys \"String\" and \"Regex\"");
  const bool is_regex = node.object().contains("Regex");
  const JsonReader pattern = node.at(is_regex ? "Regex" : "String");
  const std::string& text = pattern.string();
  if (text.empty()) pattern.fail("a pattern that is not empty");
  if (text.size() > kMaxPatternBytes)
    pattern.fail("a pattern of at most 16 KiB", std::to_string(text.size()) + " bytes");
  if (!is_regex) return finder_of_text(text);
  try {
    return finder_of_regex(Regex(to_pcre2(text)));
  } catch (const std::invalid_argument& error) {
    pattern.fail("a supported regular expression", error.what());
  }
}

}  // namespace rlhf::hf
