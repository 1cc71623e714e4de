#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf::hf {

struct Range {
  std::size_t begin;
  std::size_t end;
};

/// A regular expression in PCRE2's language over UTF-8. A copy shares the compiled expression; several threads may use
/// it.
class Regex {
 public:
  /// Throws std::invalid_argument with PCRE2's words if it does not compile.
  explicit Regex(const std::string& pattern);
  /// All matches from left to right, none overlapping; an empty one never directly behind another one. `text` must be
  /// well formed. Throws DataError where PCRE2's limits are hit, which only a pattern that backtracks without end does.
  void find_all(std::string_view text, std::vector<Range>& found) const;
  bool matches(std::string_view text) const;

 private:
  std::shared_ptr<void> code_;
};

}  // namespace rlhf::hf
