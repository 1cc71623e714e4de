#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rlhf {

/// A list of phrases, found by their first words.
class Phrases {
 public:
  explicit Phrases(const std::vector<std::string_view>& phrases);

  /// How many words the longest phrase at `at` has; 0 if none stands there.
  std::size_t length_at(const std::vector<std::string>& words, std::size_t at) const;
  /// How many phrases stand in `words`, without overlap.
  std::size_t count(const std::vector<std::string>& words) const;

 private:
  std::unordered_map<std::string, std::vector<std::vector<std::string>>> by_first_word_;
};

const Phrases& hedges();
const Phrases& apologies();
const Phrases& flattery();
const Phrases& affirmations();    // with which an answer begins that agrees
const Phrases& contradictions();  // with which an answer begins that does not
const Phrases& negations();
const Phrases& beliefs();  // that introduce what the asker believes

}  // namespace rlhf
