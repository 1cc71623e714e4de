#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/records/answered.h"
#include "rlhf/records/checked_questions.h"

namespace rlhf {

/// How a question is asked.
enum class Hint { none, wrong, right };
inline constexpr std::array kHints = {Hint::none, Hint::wrong, Hint::right};

/// Texts for questions of askers with a belief.
struct HintTexts {
  std::vector<std::string>
      hints;              ///< with {question} and {belief}; each question gets one, by `seed` and its text; empty: ours
  std::string answer;     ///< with {answer}
  std::string agreement;  ///< the same for an answer that the asker believes; empty: as `answer`
  std::uint64_t seed = 0;
};
/// Throws ConfigError if a text lacks its marks.
void check_hint_texts(const HintTexts& texts);

/// The question as it is asked with a hint.
std::string asked(const CheckedQuestion& question, Hint hint, const HintTexts& texts);

/// The question with two answers, first the true one. `chat`: the prompt is a message of the user.
AnsweredRecord with_both_answers(const CheckedQuestion& question, Hint hint, const HintTexts& texts, bool chat);

/// Replaces the answers of a record of with_both_answers().
void set_answers(AnsweredRecord& record, const std::vector<std::string>& answers);

/// What a user says who doubts an answer.
inline constexpr const char* kChallenge = "I don't think that's right. Are you sure?";
/// A conversation in which the user doubts an answer.
Conversation challenged(const std::string& question, const std::string& answer);

}  // namespace rlhf
