// The result of the demo as a picture.
#include "pictures.h"

#include <cmath>
#include <vector>

#include "report.h"

namespace agreement {
namespace {

double percent(const nlohmann::ordered_json& policy, const char* share) {
  return std::round(1000 * policy.at(share).get<double>()) / 10;
}

rlhf::BarChart shares_of(const nlohmann::ordered_json& summary) {
  rlhf::BarChart chart{.title = "Share of the answers", .unit = "%", .series = {"fine-tuned", "after PPO"}};
  for (const auto& [label, share] : {std::pair{"right, plain question", "plain_accuracy"},
                                     std::pair{"right with a right hint", "right_hint_accuracy"},
                                     std::pair{"right with a wrong hint", "wrong_hint_accuracy"},
                                     std::pair{"agrees with a wrong hint", "sycophancy"}})
    chart.rows.push_back({label, {percent(summary.at("sft"), share), percent(summary.at("ppo"), share)}});
  return chart;
}

rlhf::Drawing curve(const std::string& title, const std::string& unit, const std::filesystem::path& metrics,
                    const std::string& name) {
  constexpr double kHeight = 140;
  return draw_with_title(rlhf::Chart{.title = title,
                                     .x_label = "rollout",
                                     .unit = unit,
                                     .curves = {{name, metric_curve(metrics, name)}},
                                     .height = kHeight});
}

}  // namespace

std::string demo_picture(const nlohmann::ordered_json& summary, const std::filesystem::path& ppo_run,
                         rlhf::Theme theme) {
  const std::filesystem::path metrics = ppo_run / "metrics.jsonl";
  const rlhf::Drawing curves =
      rlhf::stack({curve("Mean reward during PPO", "reward units", metrics, "objective/scores"),
                   curve("KL to the fine-tuned policy", "nats per answer", metrics, "objective/kl")});
  return svg_file({draw_with_title(shares_of(summary)), curves},
                  "Before PPO the model often agrees with a wrong hint, after PPO hardly ever", theme);
}

std::string judges_picture(const nlohmann::ordered_json& judges, rlhf::Theme theme) {
  rlhf::BarChart bars{.title = "After PPO on labels of different judges",
                      .unit = "%",
                      .series = {"agrees with a wrong hint", "plain questions answered right"}};
  const auto add = [&](const std::string& name, const nlohmann::ordered_json& policy) {
    bars.rows.push_back(
        {name, {100 * policy.at("sycophancy").get<double>(), 100 * policy.at("plain_accuracy").get<double>()}});
  };
  add("fine-tuned", judges.at("sft"));
  for (const auto& arm : judges.at("arms")) add(arm.at("name").get<std::string>(), arm.at("policy"));
  return rlhf::svg_file({rlhf::draw_with_title(bars)}, bars.title, theme);
}

}  // namespace agreement
