#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rlhf/feedback/best_of_n.h"
#include "rlhf/feedback/grouped_mean.h"
#include "rlhf/feedback/scored_pairs.h"
#include "rlhf/records/compared.h"

namespace rlhf {

/// Scored pairs with what a report needs to know about each of them.
struct EvidenceSlice {
  ScoredPairs pairs;
  std::vector<double> lengths;        ///< tokens of the first answer − tokens of the second
  std::vector<std::int32_t> prompts;  ///< the number of the pair's prompt
  GroupedValues agreement;  ///< the probability that two votes on a pair agree, of pairs with several, by prompt

  void add(double margin, double length, std::int32_t prompt, const PairVotes& votes);
};

/// Everything that a report on a reward model is computed from.
struct RewardEvidence {
  EvidenceSlice all;                             ///< the first answer of a pair is the one that most votes prefer
  std::map<std::string, EvidenceSlice> domains;  ///< of records with a domain
  std::array<EvidenceSlice, 3> roles;            ///< by AnnotatorRole
  EvidenceSlice gold;
  std::vector<double> tied;             ///< |Δ| of ties; they are in no slice
  std::vector<double> scores, lengths;  ///< of single answers
  std::vector<std::int32_t> prompts;    ///< of these answers
  GroupedValues best_of_n;              ///< whether the answer with the highest score is right, by prompt
  std::vector<StyledScores> styled;
  std::vector<std::int32_t> styled_prompts;
  std::vector<double> margins_read, margins_swapped;  ///< of the same pairs, read in two orders
  std::int64_t records = 0;

  /// Adds a record with the scores and lengths (in tokens) of its answers.
  void add(const ComparedRecord& record, const std::vector<float>& scores, const std::vector<std::int64_t>& lengths,
           std::int32_t prompt);
};

}  // namespace rlhf
