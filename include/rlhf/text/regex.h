#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// The bytes of a match.
struct TextRange {
  std::size_t begin;
  std::size_t end;
};

/// A regular expression in PCRE2's syntax over UTF-8; ^ and $ match at every line. Copies share the compiled
/// expression. Thread-safe.
class Regex {
 public:
  /// Throws std::invalid_argument with PCRE2's message if the expression does not compile.
  explicit Regex(const std::string& pattern);
  /// All matches from left to right, without overlaps; an empty match never directly follows another match. `text` must
  /// be well-formed UTF-8. Throws DataError if PCRE2's limits are exceeded, which requires excessive backtracking.
  void find_all(std::string_view text, std::vector<TextRange>& found) const;
  bool matches(std::string_view text) const;

 private:
  std::shared_ptr<void> code_;
};

}  // namespace rlhf
