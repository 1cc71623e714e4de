#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "shares.h"

namespace agreement {

/// What one policy does on the evaluation questions.
struct PolicySummary {
  Shares shares;
  double reward = 0;  ///< mean score of the reward model, centred
  double kl = 0;      ///< to the fine-tuned policy, nats per answer, estimated on the sampled answers
};

/// The demo's result.
struct Summary {
  std::uint64_t seed = 0;
  PolicySummary sft, ppo;
  std::vector<std::pair<std::string, double>> seconds;  ///< of each stage, in order
};

nlohmann::ordered_json to_json(const Summary& summary);
/// One metric of a metrics.jsonl as points (step, value); steps that did not measure it are left out.
std::vector<std::pair<double, double>> metric_curve(const std::filesystem::path& metrics, const std::string& name);
/// Rows of cells, the first one a header.
std::vector<std::vector<std::string>> table_of(const Summary& summary);
std::string to_text(const std::vector<std::vector<std::string>>& table);
/// One page with the table and the run's curves: reward and KL from `ppo_run`/metrics.jsonl, sycophancy from its
/// samples.jsonl, where each sampled answer stands with its question.
std::string to_html(const Summary& summary, const std::filesystem::path& ppo_run);

}  // namespace agreement
