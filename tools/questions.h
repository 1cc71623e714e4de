#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rlhf/feedback/simulate.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// Two responses to a prompt, of which one is known to be better.
struct Question {
  std::string prompt;
  Conversation chat = {};
  bool whole = false;
  std::string domain;
  Answer better, worse;
};

/// The pairs of a file that rlhf-rm reads: the chosen completion is the better one. Throws DataError.
std::vector<Question> read_questions(const std::filesystem::path& file);

/// Sums with a right and a wrong response, for pairs of simulate_pairs: the asker states a belief where there is an
/// agreement, and one response is longer by about `length`.
/// With several domains each has its name.
std::vector<Question> make_up_questions(const std::vector<SimulatedPair>& pairs, std::int32_t domains,
                                        std::uint64_t seed);

/// Sets length and agreement of pair i to what the texts of question i say (feedback/text_features.h); `quality` above
/// 0 means that the better response is the first.
void measure(const std::vector<Question>& questions, std::vector<SimulatedPair>& pairs);

}  // namespace rlhf
