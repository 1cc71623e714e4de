// Pairs of responses whose better one is known.
#include "questions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rlhf/core/random.h"
#include "rlhf/feedback/text_features.h"
#include "rlhf/records/judgments.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kSums = 0x73756d;  // the purpose of these random numbers

/// "It is 12." and as many more words as make ln(1 + characters) larger by `length`.
std::string long_answer(std::int64_t number, double length) {
  static const std::vector<std::string> kWords = {"I",     "added", "the",  "second", "number", "to", "the",
                                                  "first", "one",   "step", "after",  "step",   "and"};
  std::string text = "It is " + std::to_string(number) + ".";
  const double wanted = static_cast<double>(1 + text.size()) * std::exp(length) - 1;
  for (std::size_t word = 0; static_cast<double>(text.size()) < wanted; ++word)
    text += " " + kWords[word % kWords.size()];
  return text;
}

Question make_up(const SimulatedPair& pair, std::size_t index, std::uint64_t seed) {
  const auto draw = [&](std::uint64_t what, std::uint64_t bound) {
    return static_cast<std::int64_t>(random_below(seed, random_stream(kSums, what), index, bound));
  };
  const std::int64_t a = draw(0, 50), b = draw(1, 50), right = a + b, off = 1 + draw(2, 9);
  const std::int64_t wrong = draw(3, 2) == 0 || right < off ? right + off : right - off;
  const double sign = pair.quality > 0 ? 1 : -1;  // of the better response
  Question question;
  if (pair.agreement != 0)
    question.prompt = "I think it is " + std::to_string(pair.agreement * sign > 0 ? right : wrong) + ". ";
  question.prompt += "What is " + std::to_string(a) + "+" + std::to_string(b) + "?";
  question.better.text = long_answer(right, std::max(0.0, pair.length * sign));
  question.worse.text = long_answer(wrong, std::max(0.0, -pair.length * sign));
  return question;
}

}  // namespace

std::vector<Question> read_questions(const std::filesystem::path& file) {
  std::vector<Question> questions;
  for_each_preference({file.string()}, {}, [&](const Preference& record, const RecordPlace&) {
    for (const RankedPair& pair : record.pairs)
      questions.push_back(
          {record.prompt, record.chat, record.whole, "", record.answers[pair.chosen], record.answers[pair.rejected]});
  });
  return questions;
}

std::vector<Question> make_up_questions(const std::vector<SimulatedPair>& pairs, std::int32_t domains,
                                        std::uint64_t seed) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    questions.push_back(make_up(pairs[i], i, seed));
    if (domains > 1) questions.back().domain = "domain " + std::to_string(pairs[i].domain + 1);
  }
  return questions;
}

void measure(const std::vector<Question>& questions, std::vector<SimulatedPair>& pairs) {
  constexpr auto kLength = static_cast<std::size_t>(TextFeature::length);
  constexpr auto kAgreement = static_cast<std::size_t>(TextFeature::agreement);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto belief = stated_belief(asked_text(questions[i].prompt, questions[i].chat));
    const TextFeatures better = text_features(text_of(questions[i].better), belief);
    const TextFeatures worse = text_features(text_of(questions[i].worse), belief);
    const double sign = pairs[i].quality > 0 ? 1 : -1;
    pairs[i].length = sign * (better[kLength] - worse[kLength]);
    pairs[i].agreement = sign * (better[kAgreement] - worse[kAgreement]);
  }
}

}  // namespace rlhf
