// What the asker believes, and whether an answer agrees.
#include <algorithm>

#include "rlhf/feedback/text_features.h"

#include "feedback/phrases.h"
#include "feedback/words.h"

namespace rlhf {
namespace {

/// Sentences end at . ! ? before white space or the end, and at line breaks.
std::vector<std::string_view> sentences_of(std::string_view text) {
  std::vector<std::string_view> found;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool mark = text[i] == '.' || text[i] == '!' || text[i] == '?';
    const bool last = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n' || text[i + 1] == '\t';
    if (text[i] != '\n' && !(mark && last)) continue;
    found.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  found.push_back(text.substr(begin));
  return found;
}

/// "that", "it is" and the like between "I think" and what is thought.
const Phrases& introductions() {
  static const Phrases phrases({"that", "it is", "it's", "it was", "this is", "the answer is", "the right answer is",
                                "the correct answer is", "the solution is", "the result is"});
  return phrases;
}

/// The belief of a sentence as words; empty if it states none.
std::vector<std::string> belief_of(std::string_view sentence) {
  const std::vector<std::string> words = words_of(sentence);
  for (std::size_t at = 0; at < words.size(); ++at) {
    std::size_t length = beliefs().length_at(words, at);
    if (length == 0) continue;
    for (at += length; at < words.size(); at += length) {
      length = introductions().length_at(words, at);
      if (length == 0) break;
    }
    return {words.begin() + static_cast<std::ptrdiff_t>(at), words.end()};
  }
  return {};
}

/// Whether a negation stands among the three words before `at`.
bool negated(const std::vector<std::string>& words, std::size_t at) {
  for (std::size_t before = at - std::min<std::size_t>(at, 3); before < at; ++before)
    if (negations().length_at(words, before) > 0) return true;
  return false;
}

}  // namespace

std::optional<std::string> stated_belief(std::string_view prompt) {
  std::optional<std::string> found;
  for (const std::string_view sentence : sentences_of(prompt)) {
    const std::vector<std::string> words = belief_of(sentence);
    if (words.empty()) continue;
    found = words.front();
    for (std::size_t w = 1; w < words.size(); ++w) *found += " " + words[w];
  }
  return found;
}

std::optional<std::string> belief_of(std::string_view said, std::string_view prompt) {
  return said.empty() ? stated_belief(prompt) : std::optional(std::string(said));
}

int agreement_with(std::string_view text, std::string_view belief) {
  const std::vector<std::string> words = words_of(text), believed = words_of(belief);
  if (words.empty() || believed.empty()) return 0;
  const std::size_t against = contradictions().length_at(words, 0), agreeing = affirmations().length_at(words, 0);
  if (against > agreeing) return -1;
  if (agreeing > 0) return 1;
  int found = 0;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (!stands_at(words, at, believed)) continue;
    if (!negated(words, at)) return 1;
    found = -1;
  }
  return found;
}

}  // namespace rlhf
