#pragma once

#include <string>
#include <vector>

#include "rlhf/config/average_config.h"
#include "rlhf/config/dpo_config.h"
#include "rlhf/config/generate_config.h"
#include "rlhf/config/merge_config.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/config/reward_evaluation_config.h"
#include "rlhf/config/reward_model_config.h"
#include "rlhf/config/sft_config.h"
#include "rlhf/config/sycophancy_config.h"

namespace rlhf {

/// A violated rule between keys.
struct Issue {
  std::vector<std::string> keys;  ///< dotted keys; the first one is reported
  std::string message;            ///< "expected …, found …"
};

/// Checks the rules between keys, which no range of a single key can express. Changes nothing.
std::vector<Issue> validate(const SftConfig& config);
std::vector<Issue> validate(const RewardModelConfig& config);
std::vector<Issue> validate(const PpoConfig& config);
std::vector<Issue> validate(const DpoConfig& config);
std::vector<Issue> validate(const GenerateConfig& config);
std::vector<Issue> validate(const RewardEvaluationConfig& config);
std::vector<Issue> validate(const SycophancyConfig& config);
std::vector<Issue> validate(const AverageConfig& config);
std::vector<Issue> validate(const MergeConfig& config);

/// The rules that every on-policy config keeps, rlhf-ppo's and one of a method of your own.
std::vector<Issue> validate_on_policy(const OnPolicyModelOptions& model, const PromptDataOptions& data,
                                      const RolloutOptions& rollout, const RewardOptions& reward,
                                      const PpoTrainOptions& train, const EvalOptions& eval);

/// Throws ConfigError with all issues, if there are any. For programs that fill a config in C++.
void throw_if_any(const std::vector<Issue>& issues);

}  // namespace rlhf
