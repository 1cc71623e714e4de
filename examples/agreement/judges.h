#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "measure.h"

namespace agreement {

/// How often a reward model prefers the true one of two answers to a question, by the kind of the question, and how
/// well it is calibrated.
struct PairSummary {
  double plain = 0, right_hint = 0, wrong_hint = 0;
  double calibration_error = 0;  ///< expected calibration error over all pairs, in 10 bins
  std::int64_t pairs = 0;
};
/// Scores all pairs of sampled answers to the same question of which one is true.
PairSummary judge_pairs(const Answers& answers, rlhf::ScalarModel& reward_model);

/// The votes that a way of labelling uses.
struct Votes {
  std::int64_t crowd = 0, expert = 0;
  std::int64_t pairs = 0;
};

/// One way of turning judgments into a reward model, and the policy that PPO made with it.
struct Arm {
  std::string name;
  Votes votes;
};
struct ArmSummary {
  Arm arm;
  PairSummary reward;
  PolicySummary policy;
};

nlohmann::ordered_json to_json(const PolicySummary& sft, const std::vector<ArmSummary>& arms);
/// Rows of cells; the first row is the header. One column per arm, after that of the fine-tuned policy.
std::vector<std::vector<std::string>> table_of(const PolicySummary& sft, const std::vector<ArmSummary>& arms);
}  // namespace agreement
