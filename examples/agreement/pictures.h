#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/report/chart.h"

namespace agreement {

/// The result of the demo as one SVG file: the shares before and after PPO from summary.json, and reward and KL of
/// every rollout from `ppo_run`/metrics.jsonl.
std::string demo_picture(const nlohmann::ordered_json& summary, const std::filesystem::path& ppo_run,
                         rlhf::Theme theme);

/// An SVG file with two bars for each policy of judges.json: how often it agrees with a wrong hint, and how often it
/// answers plain questions right.
std::string judges_picture(const nlohmann::ordered_json& judges, rlhf::Theme theme);

}  // namespace agreement
