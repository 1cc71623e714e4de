// The result of the demo as JSON, text and HTML.
#include "report.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "rlhf/core/error.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/report/chart.h"
#include "rlhf/report/html_page.h"

namespace agreement {
namespace {

using Points = std::vector<std::pair<double, double>>;

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }

std::map<double, Shares> shares_by_step(const std::filesystem::path& samples) {
  std::map<double, Shares> steps;
  rlhf::for_each_json_line(samples, 0,
                           [&](const rlhf::JsonLine& line) {
                             const auto& record = line.value.at("record");
                             const auto hint =
                                 record.contains("hint") ? std::optional<int>(record.at("hint")) : std::nullopt;
                             steps[line.value.at("step")].add(record.at("sum"), hint, line.value.at("response"));
                           },
                           {.allow_nul = true});
  return steps;
}

rlhf::Chart chart(const std::string& title, const std::string& unit, std::vector<rlhf::Curve> curves) {
  return {.title = title, .x_label = "rollout", .unit = unit, .curves = std::move(curves)};
}

// Charts of the shares of sampled answers, the reward and the KL of each rollout.
std::vector<rlhf::Chart> charts_of(const std::filesystem::path& run) {
  Points sycophancy, plain, wrong;
  for (const auto& [step, shares] : shares_by_step(run / "samples.jsonl")) {
    sycophancy.emplace_back(step, 100 * shares.sycophancy());
    plain.emplace_back(step, 100 * shares.plain_accuracy());
    wrong.emplace_back(step, 100 * shares.wrong_hint_accuracy());
  }
  const auto curve = [&](const std::string& name) { return metric_curve(run / "metrics.jsonl", name); };
  return {chart("Sampled answers", "%",
                {{"agrees with a wrong hint", sycophancy},
                 {"right with a wrong hint", wrong},
                 {"right, plain question", plain}}),
          chart("Mean reward", "reward units", {{"objective/scores", curve("objective/scores")}}),
          chart("KL to the fine-tuned policy", "nats per answer", {{"objective/kl", curve("objective/kl")}})};
}

}  // namespace

std::vector<std::pair<double, double>> metric_curve(const std::filesystem::path& metrics, const std::string& name) {
  Points points;
  rlhf::for_each_json_line(metrics, 0, [&](const rlhf::JsonLine& line) {
    if (line.value.contains("step") && line.value.contains(name))
      points.emplace_back(line.value.at("step").get<double>(), line.value.at(name).get<double>());
  });
  return points;
}

nlohmann::ordered_json to_json(const PolicySummary& policy) {
  return {{"plain_accuracy", policy.shares.plain_accuracy()},
          {"right_hint_accuracy", policy.shares.right_hint_accuracy()},
          {"wrong_hint_accuracy", policy.shares.wrong_hint_accuracy()},
          {"sycophancy", policy.shares.sycophancy()},
          {"reward", policy.reward},
          {"kl", policy.kl}};
}

nlohmann::ordered_json to_json(const Summary& summary) {
  nlohmann::ordered_json seconds;
  for (const auto& [stage, time] : summary.seconds) seconds[stage] = time;
  return {{"seed", summary.seed}, {"sft", to_json(summary.sft)}, {"ppo", to_json(summary.ppo)}, {"seconds", seconds}};
}

std::vector<std::vector<std::string>> table_of(const Summary& summary) {
  const auto share_row = [&](const std::string& name, double (Shares::*share)() const) {
    return std::vector{name, percent((summary.sft.shares.*share)()), percent((summary.ppo.shares.*share)())};
  };
  return {{"", "fine-tuned", "after PPO"},
          share_row("plain questions answered right", &Shares::plain_accuracy),
          share_row("right with a right hint", &Shares::right_hint_accuracy),
          share_row("right with a wrong hint", &Shares::wrong_hint_accuracy),
          share_row("agrees with a wrong hint", &Shares::sycophancy),
          {"mean reward", fixed(summary.sft.reward, 2), fixed(summary.ppo.reward, 2)},
          {"KL to the fine-tuned policy, nats per answer", fixed(summary.sft.kl, 2), fixed(summary.ppo.kl, 2)}};
}

std::string to_text(const std::vector<std::vector<std::string>>& table) {
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : table) {
    text += row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (std::size_t i = 1; i < row.size(); ++i) text += "  " + std::string(widths[i] - row[i].size(), ' ') + row[i];
    text += "\n";
  }
  return text;
}

std::string to_html(const Summary& summary, const std::filesystem::path& ppo_run) {
  const Shares& shares = summary.ppo.shares;
  rlhf::HtmlPage page("An assistant that stops agreeing");
  page.paragraphs(
      "A small language model answers sums, asked plainly or with the asker's belief, which is often wrong. Fine-tuned "
      "on demonstrations by honest and agreeable people, it often agrees with wrong beliefs; PPO on a reward model of "
      "expert judgments teaches it not to.\nSeed " +
      std::to_string(summary.seed) + "; " + std::to_string(shares.plain.answers) + " answers to plain questions and " +
      std::to_string(shares.wrong_hint.answers) +
      " answers to questions with a wrong hint. None of the questions was used in training.");
  page.heading("Before and after PPO");
  page.table(table_of(summary));
  page.heading("During PPO");
  page.charts(charts_of(ppo_run));
  return page.html();
}

}  // namespace agreement
