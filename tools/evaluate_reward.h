#pragma once

#include <string>
#include <vector>

#include "rlhf/config/reward_evaluation_config.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// rlhf-eval reward: scores the answers of files with a reward model, prints the report, and writes it as JSON and as a
/// page if the config says so.
void evaluate_reward(const RewardEvaluationConfig& config);

/// Logs the most important lines of the report for the pairs of the last evaluation of rlhf-rm, and the command that
/// prints the whole report for the model in `folder`. Does nothing without pairs.
void log_reward_report(const std::vector<EvaluatedPair>& pairs, const std::string& folder);

}  // namespace rlhf
