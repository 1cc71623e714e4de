#pragma once

#include <array>
#include <string_view>

namespace rlhf {

/// A stage of training. Each has its own program. Standard library only.
enum class Stage { sft, reward_model, ppo, dpo };
inline constexpr std::array kStages = {Stage::sft, Stage::reward_model, Stage::ppo, Stage::dpo};

/// The program of a stage: "rlhf-sft".
constexpr std::string_view tool_of(Stage stage) {
  switch (stage) {
    case Stage::sft:
      return "rlhf-sft";
    case Stage::reward_model:
      return "rlhf-rm";
    case Stage::ppo:
      return "rlhf-ppo";
    case Stage::dpo:
      return "rlhf-dpo";
  }
  return "";
}

}  // namespace rlhf
