#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "judge.h"

namespace agreement {

/// The people who judge the pairs of the demo. Each member of the crowd answers right with a probability of their own.
/// Most are agreeable: where one answer agrees with the asker's wrong belief, they choose it with another probability
/// of their own. Experts are nearly always right, and judge few pairs.
struct CrowdOptions {
  int people = 20, agreeable = 15, experts = 3;
  double lowest_right = 0.88, highest_right = 0.97;        ///< range of the probability of a right answer
  double lowest_agreeing = 0.65, highest_agreeing = 0.85;  ///< range of the probability of the agreeing answer
  double expert_right = 0.98;
  int votes = 3;               ///< of the crowd on each pair, by different people
  double expert_share = 0.05;  ///< share of the pairs that an expert judges too
};

/// A pair with what the crowd and, of some pairs, an expert said: a record of the format `judgments`, in which the
/// better answer is shown first or second at random.
struct CrowdPair {
  nlohmann::ordered_json record;
  std::optional<Pair> of_expert;  ///< as the expert orders it
};

/// Judges `pairs`, whose chosen answers are true. What is said about pair i depends only on the options, the seed, i
/// and the pair.
std::vector<CrowdPair> judge_by_crowd(const std::vector<Pair>& pairs, std::uint64_t seed,
                                      const CrowdOptions& options = {});

}  // namespace agreement
