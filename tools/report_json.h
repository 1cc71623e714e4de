#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "rlhf/feedback/grouped_mean.h"

namespace rlhf {

/// The number, or null.
inline nlohmann::ordered_json json_of(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

/// {"value", "low", "high"}, the last two null without an interval; null for nullopt.
inline nlohmann::ordered_json json_of(const std::optional<Estimate>& estimate) {
  if (!estimate) return {};
  const auto& interval = estimate->interval;
  return {{"value", estimate->value},
          {"low", json_of(interval ? std::optional(interval->low) : std::nullopt)},
          {"high", json_of(interval ? std::optional(interval->high) : std::nullopt)}};
}

}  // namespace rlhf
