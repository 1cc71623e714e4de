#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/records/answered.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

/// How many judges prefer the first of two answers, the second, or neither.
struct PairVotes {
  double first = 0, second = 0, neither = 0;
};

/// Two answers of a record, and what judges said about them.
struct ComparedPair {
  std::int32_t first = 0, second = 1;     ///< indices of the answers; no more votes prefer the second than the first
  PairVotes votes = {};                   ///< of all judges; one, or its probability, where the data say no more
  std::array<PairVotes, 3> by_role = {};  ///< of a record of judgments, by AnnotatorRole
  std::optional<PairVotes> gold = {};     ///< the checked answer of a record of judgments, as one vote
};

/// A record whose answers are compared, to evaluate a reward model.
struct ComparedRecord {
  AnsweredRecord answered;
  std::string domain;  ///< "" if it has none
  std::vector<ComparedPair> pairs;
  std::size_t right =
      0;                ///< best of n: the first so many answers are right and the others are wrong; 0: another record
  bool styled = false;  ///< three right and three wrong answers, each concise, detailed, and detailed with markdown
};

struct ComparedReading {
  std::string prompt_field = "prompt";
  std::string domain_field = {};  ///< empty: "domain", or else "subset"
};

/// Reads records that compare answers, in any mixture of these forms:
///   {"prompt", "chosen", "rejected"}, {"chosen", "rejected"} and rankings, as for_each_answered reads them; answers of
///   equal rank are a tie
///   {"prompt", "chosen": [texts], "rejected": [texts]}: every answer in the first list is better than every one in the
///   second, and those in the first are equally good (RewardBench 2). Three and three without "subset" are styles
///   (RM-Bench).
///   {"prompt", "responses", "judgments"}: every two responses that a judgment compares. Two responses that were not
///   chosen from several are not compared.
/// Throws DataError "file:line: expected …, found …" for any other record, and if there are no records.
void for_each_compared(const std::vector<std::string>& patterns, const ComparedReading& reading,
                       const std::function<void(ComparedRecord)>& sink);

}  // namespace rlhf
