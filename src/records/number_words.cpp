// Numbers in English words.
#include "records/number_words.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace rlhf {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};

/// The words of a text in lower case.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z');
    if (letter && !inside) words.emplace_back();
    if (letter) words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
    inside = letter;
  }
  return words;
}

/// The index of a word among `names`, from `low` on; 0 if it is none of them.
template <std::size_t N>
std::int64_t index_of(const std::string& word, const std::array<std::string_view, N>& names, std::size_t low) {
  const auto found = std::find(names.begin() + low, names.end(), word);
  return found == names.end() ? 0 : found - names.begin();
}

/// Reads numbers from words.
class NumberWords {
 public:
  explicit NumberWords(std::vector<std::string> words) : words_(std::move(words)) {}

  bool at_end() const { return at_ == words_.size(); }
  void skip() { ++at_; }

  /// The number that begins here; moves behind it. nullopt, and stays, if there is none.
  std::optional<std::int64_t> take() {
    if (take_word("zero")) return 0;
    if (at_ + 1 < words_.size() && words_[at_] == "a" && words_[at_ + 1] == "hundred") words_[at_] = "one";
    const std::int64_t number = take_below_hundred();
    if (number == 0) return std::nullopt;
    if (number > 9 || !take_word("hundred")) return number;
    const std::size_t behind = at_;
    take_word("and");
    const std::int64_t rest = take_below_hundred();
    if (rest == 0) at_ = behind;
    return 100 * number + rest;
  }

 private:
  bool take_word(std::string_view word) {
    const bool found = !at_end() && words_[at_] == word;
    at_ += found ? 1 : 0;
    return found;
  }
  /// 1 to 99, or 0 if there is none.
  std::int64_t take_below_hundred() {
    if (at_end()) return 0;
    if (const std::int64_t small = index_of(words_[at_], kSmall, 1)) return ++at_, small;
    const std::int64_t tens = index_of(words_[at_], kTens, 2);
    if (tens == 0) return 0;
    ++at_;
    const std::int64_t ones = at_end() ? 0 : index_of(words_[at_], kSmall, 1);
    if (ones == 0 || ones > 9) return 10 * tens;
    ++at_;
    return 10 * tens + ones;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace

std::string in_words(std::int64_t number) {
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  if (number < 20) return std::string(kSmall[at(number)]);
  if (number < 100)
    return std::string(kTens[at(number / 10)]) + (number % 10 ? "-" + std::string(kSmall[at(number % 10)]) : "");
  return std::string(kSmall[at(number / 100)]) + " hundred" + (number % 100 ? " and " + in_words(number % 100) : "");
}

std::optional<std::int64_t> last_number_in_words(std::string_view text) {
  std::optional<std::int64_t> last;
  for (NumberWords words(words_of(text)); !words.at_end();) {
    if (const auto number = words.take()) {
      last = number;
    } else {
      words.skip();
    }
  }
  return last;
}

std::optional<std::int64_t> as_number_in_words(std::string_view text) {
  NumberWords words(words_of(text));
  const auto number = words.take();
  return words.at_end() ? number : std::nullopt;
}

}  // namespace rlhf
