#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "shares.h"

namespace agreement {

/// The results of one policy on the evaluation questions.
struct PolicySummary {
  Shares shares;
  double reward = 0;  ///< mean score of the reward model, centred
  double kl = 0;      ///< KL to the fine-tuned policy in nats per answer, estimated on the sampled answers
};

/// The result of the demo.
struct Summary {
  std::uint64_t seed = 0;
  PolicySummary sft, ppo;
  std::vector<std::pair<std::string, double>> seconds;  ///< time of each stage, in order
};

nlohmann::ordered_json to_json(const PolicySummary& policy);
nlohmann::ordered_json to_json(const Summary& summary);
/// One metric of a metrics.jsonl as points (step, value), without steps in which it was not measured.
std::vector<std::pair<double, double>> metric_curve(const std::filesystem::path& metrics, const std::string& name);
/// Rows of cells; the first row is the header.
std::vector<std::vector<std::string>> table_of(const Summary& summary);
std::string to_text(const std::vector<std::vector<std::string>>& table);
/// A page with the table and the curves of the PPO run: reward and KL from `ppo_run`/metrics.jsonl, sycophancy from its
/// samples.jsonl, which has the sampled answers with their questions.
std::string to_html(const Summary& summary, const std::filesystem::path& ppo_run);

}  // namespace agreement
