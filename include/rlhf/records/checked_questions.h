#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/choices.h"

namespace rlhf {

/// A question whose answer can be checked, and a false answer.
struct CheckedQuestion {
  std::string question;
  std::string right, wrong;  ///< different, and not empty
};

/// Reads questions, in the form that the first record has:
///   {"question", "answer", "wrong"}: `wrong` is a text, or a list of which the first is taken; it may be left out
///   where the answer is a number: then it is a number near to it, by `seed`
///   {"question", "answer": "… #### 72"}, as in GSM8K: the answer is what stands after the last "####"
///   a .csv file with the columns Question, Best Answer and Incorrect Answers (separated by ";"), as in TruthfulQA;
///   the column Best Incorrect Answer counts first if there is one
/// Throws DataError "file:line: expected …, found …", also if there is no question.
std::vector<CheckedQuestion> read_checked_questions(const std::filesystem::path& file, std::uint64_t seed);

/// `count` different sums "What is 17 + 58?" of numbers below 100 (at first every other one below 10), each with a
/// false answer that is off by 1 to 10. In words: "What is seventeen plus fifty-eight?" with answers in words; mixed:
/// every other one. The numbers depend on the seed only. Errors: ArgumentError unless 1 <= count <= 1000.
std::vector<CheckedQuestion> sum_questions(std::int64_t count, std::uint64_t seed,
                                           SumNumbers numbers = SumNumbers::digits);

/// Whether `text` gives the answer. If the answer is a number, in digits or in English words up to 999: the last number
/// of the text equals it ("17 + 58 is 75."); numbers in words count if the text has none in digits. Otherwise the words
/// of the answer stand in the text, without regard to case.
bool gives_answer(std::string_view text, std::string_view answer);

}  // namespace rlhf
