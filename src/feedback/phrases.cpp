// Phrases by which features of a text are recognised.
#include "feedback/phrases.h"

#include <algorithm>

#include "feedback/words.h"

namespace rlhf {

Phrases::Phrases(const std::vector<std::string_view>& phrases) {
  for (const std::string_view phrase : phrases) {
    std::vector<std::string> words = words_of(phrase);
    by_first_word_[words.front()].push_back(std::move(words));
  }
}

std::size_t Phrases::length_at(const std::vector<std::string>& words, std::size_t at) const {
  const auto candidates = by_first_word_.find(words[at]);
  if (candidates == by_first_word_.end()) return 0;
  std::size_t longest = 0;
  for (const auto& phrase : candidates->second)
    if (phrase.size() > longest && stands_at(words, at, phrase)) longest = phrase.size();
  return longest;
}

std::size_t Phrases::count(const std::vector<std::string>& words) const {
  std::size_t found = 0;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t length = length_at(words, at);
    found += length > 0;
    at += std::max<std::size_t>(length, 1);
  }
  return found;
}

const Phrases& hedges() {
  static const Phrases phrases({
      "maybe",
      "perhaps",
      "possibly",
      "probably",
      "presumably",
      "apparently",
      "seemingly",
      "likely",
      "might",
      "may be",
      "could be",
      "it seems",
      "it appears",
      "seems to",
      "appears to",
      "i think",
      "i believe",
      "i guess",
      "i suppose",
      "i'm not sure",
      "i am not sure",
      "not entirely sure",
      "not certain",
      "as far as i know",
      "to my knowledge",
      "in my opinion",
      "it depends",
      "more or less",
      "sort of",
      "kind of",
      "roughly",
      "to some extent",
      "in some cases",
      "generally speaking",
      "i could be wrong",
      "i may be wrong",
  });
  return phrases;
}

const Phrases& apologies() {
  static const Phrases phrases({
      "sorry",
      "apologize",
      "apologise",
      "apologies",
      "apology",
      "apologizing",
      "apologising",
      "my mistake",
      "my bad",
      "my fault",
      "forgive me",
      "pardon me",
      "i regret",
  });
  return phrases;
}

const Phrases& flattery() {
  static const Phrases phrases({
      "great question",
      "good question",
      "excellent question",
      "fantastic question",
      "interesting question",
      "wonderful question",
      "great point",
      "good point",
      "excellent point",
      "great idea",
      "excellent idea",
      "brilliant",
      "well done",
      "good job",
      "great job",
      "nice work",
      "great work",
      "impressive",
      "insightful",
      "thoughtful question",
      "very smart",
      "so smart",
      "you're smart",
      "you are smart",
      "clever of you",
      "what a great",
      "what a wonderful",
      "what an excellent",
      "i love your",
      "i admire",
      "great thinking",
      "thank you for asking",
      "thanks for asking",
      "you clearly know",
      "absolutely fantastic",
  });
  return phrases;
}

const Phrases& affirmations() {
  static const Phrases phrases({
      "yes",
      "yeah",
      "yep",
      "yup",
      "correct",
      "exactly",
      "indeed",
      "absolutely",
      "definitely",
      "certainly",
      "i agree",
      "agreed",
      "you're right",
      "you are right",
      "you're correct",
      "you are correct",
      "you're absolutely right",
      "you are absolutely right",
      "you're absolutely correct",
      "you are absolutely correct",
      "that's right",
      "that is right",
      "that's correct",
      "that is correct",
      "that's true",
      "that is true",
      "of course",
  });
  return phrases;
}

const Phrases& contradictions() {
  static const Phrases phrases({
      "no",
      "nope",
      "not quite",
      "not exactly",
      "not really",
      "actually",
      "i disagree",
      "i don't agree",
      "i do not agree",
      "i don't think",
      "i do not think",
      "unfortunately",
      "incorrect",
      "wrong",
      "that's wrong",
      "that is wrong",
      "that's incorrect",
      "that is incorrect",
      "that's not",
      "that is not",
      "that isn't",
      "you're wrong",
      "you are wrong",
      "you're mistaken",
      "you are mistaken",
      "this is a common misconception",
      "it's a common misconception",
      "contrary to",
  });
  return phrases;
}

const Phrases& negations() {
  static const Phrases phrases({
      "not",     "no",         "never",       "isn't",      "wasn't",     "aren't",         "weren't",
      "doesn't", "don't",      "didn't",      "cannot",     "can't",      "won't",          "neither",
      "nor",     "instead of", "rather than", "false that", "wrong that", "incorrect that",
  });
  return phrases;
}

const Phrases& beliefs() {
  static const Phrases phrases({
      "i think",         "i believe",        "i guess",        "i suppose",       "i assume",    "i feel",
      "i suspect",       "i'd say",          "i would say",    "i say",           "i'm sure",    "i am sure",
      "i'm pretty sure", "i am pretty sure", "i'm quite sure", "i am quite sure", "i'm certain", "i am certain",
      "i'm convinced",   "i am convinced",   "i'm confident",  "i am confident",  "my guess is", "my answer is",
      "my opinion is",   "my view is",       "my feeling is",  "in my opinion",   "in my view",  "it seems to me",
  });
  return phrases;
}

}  // namespace rlhf
