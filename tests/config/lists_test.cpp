// The lists of record formats and metrics against the tables of the documentation.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/describe.h"
#include "rlhf/config/metrics_list.h"
#include "rlhf/config/record_formats.h"
#include "rlhf/config/show_config.h"
#include "rlhf/config/validate.h"

#include "support/markdown_table.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

using testing::items_of;
using testing::table_rows;
using testing::TableRow;

std::vector<std::string> texts(const FieldList& fields) { return {fields.begin(), fields.end()}; }

TEST(RecordFormats, AreThoseOfTheDocumentation) {
  const auto rows = table_rows(testing::source_dir() + "/../docs/formats.md", "data.format");
  std::vector<std::string_view> in_docs, in_list;
  for (const Stage stage : kStages) {
    for (const TableRow& row : rows)
      if (items_of(row.cells.at("tool")).front() == tool_of(stage)) in_docs.push_back(row.cells.at("data.format"));
    for (const RecordFormatInfo& info : kRecordFormats)
      if (info.stage == stage) in_list.push_back(info.name);
  }
  EXPECT_EQ(in_docs, in_list) << "of a tool, in the order in which they are tried";
  for (const TableRow& row : rows) {
    const auto info = std::find_if(std::begin(kRecordFormats), std::end(kRecordFormats), [&](const auto& candidate) {
      return candidate.name == row.cells.at("data.format");
    });
    ASSERT_NE(info, std::end(kRecordFormats)) << row.cells.at("data.format");
    EXPECT_EQ(items_of(row.cells.at("fields")), texts(info->required)) << info->name;
    EXPECT_EQ(items_of(row.cells.at("optional")), texts(info->optional)) << info->name;
    const auto tools = items_of(row.cells.at("tool"));
    for (const Stage stage : kStages)
      EXPECT_EQ(std::find(tools.begin(), tools.end(), tool_of(stage)) != tools.end(), reads(stage, *info))
          << info->name << " " << tool_of(stage);
    EXPECT_EQ(row.cells.at("what"), info->what) << info->name;
    for (const std::string_view field : info->item_fields)
      EXPECT_NE(row.cells.at("what").find("\"" + std::string(field) + "\""), std::string::npos) << field;
  }
}

TEST(RecordFormats, AreNamedAsTheirEnumerators) {
  const auto names = enum_names<RecordFormat>();
  EXPECT_EQ(names.size(), std::size(kRecordFormats) + 1) << "every format but auto is in the list";
  for (const RecordFormatInfo& info : kRecordFormats) {
    EXPECT_EQ(names.at(static_cast<std::size_t>(info.format)), info.name);
    EXPECT_EQ(info.telling.empty(), info.content != RecordContent::either) << info.name;
    EXPECT_TRUE(info.telling.empty() || info.required.contains(info.telling)) << info.name;
  }
  EXPECT_EQ(find_format(RecordFormat::auto_), nullptr);
}

TEST(RecordFormats, GiveTheFieldsThatAStageCanRename) {
  EXPECT_EQ(texts(fields_of(Stage::ppo)), (std::vector<std::string>{"prompt",      "chosen",
                                                                    "rejected",    "margin",
                                                                    "weight",      "probability",
                                                                    "completions", "text",
                                                                    "rank",        "responses",
                                                                    "judgments",   "id",
                                                                    "domain",      "belief",
                                                                    "gold",        "label",
                                                                    "messages",    "conversations",
                                                                    "system",      "instruction",
                                                                    "output",      "input",
                                                                    "history",     "completion",
                                                                    "tools",       "chat_template_kwargs"}));
  EXPECT_EQ(texts(fields_of(Stage::reward_model)),
            (std::vector<std::string>{"prompt", "chosen", "rejected", "margin", "weight", "probability", "completions",
                                      "text", "rank", "responses", "judgments", "id", "domain", "belief", "gold",
                                      "label", "system", "tools", "chat_template_kwargs"}));
  EXPECT_EQ(texts(fields_of(Stage::sft)), (std::vector<std::string>{"messages",    "conversations",
                                                                    "system",      "instruction",
                                                                    "output",      "input",
                                                                    "history",     "prompt",
                                                                    "completion",  "text",
                                                                    "chosen",      "rejected",
                                                                    "margin",      "weight",
                                                                    "probability", "completions",
                                                                    "rank",        "responses",
                                                                    "judgments",   "id",
                                                                    "domain",      "belief",
                                                                    "gold",        "label",
                                                                    "tools",       "chat_template_kwargs"}));
}

TEST(RecordFormats, ThatAreMadeForAStageAreTriedFirst) {
  using enum RecordFormat;
  EXPECT_EQ(formats_of(Stage::reward_model),
            (std::vector<RecordFormat>{preference, ranking, judgments, transcripts, tree}));
  EXPECT_EQ(formats_of(Stage::sft), (std::vector<RecordFormat>{messages, sharegpt, alpaca, demonstration, text,
                                                               preference, ranking, judgments, transcripts, tree}));
  EXPECT_EQ(formats_of(Stage::dpo),
            (std::vector<RecordFormat>{preference, ranking, judgments, unpaired, transcripts, tree}));
  EXPECT_EQ(formats_of(Stage::ppo).front(), prompt);
}

/// The meaning of a key in the schema, which does not break lines.
template <typename C>
std::string meaning_of(const std::string& key) {
  C defaults;
  const Section bound = bind(defaults);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound))
    if (leaf.path == key) return std::string(leaf.option->doc);
  return "no such key";
}

TEST(RecordFormats, AreInHelp) {
  EXPECT_EQ(
      meaning_of<SftConfig>("data.format"),
      "format of the records; auto: recognised from the first one; else messages, sharegpt, alpaca, demonstration, "
      "text (rlhf-sft), preference, ranking, judgments, transcripts, tree (rlhf-rm, rlhf-dpo), unpaired (rlhf-dpo)");
  EXPECT_EQ(
      meaning_of<PpoConfig>("data.fields"),
      "renamed fields, {name in the format: name in the file}, e.g. {prompt: question}; names: prompt, chosen, "
      "rejected, margin, weight, probability, completions, text, rank, responses, judgments, id, domain, belief, gold, "
      "label, messages, "
      "conversations, system, instruction, output, input, "
      "history, completion, tools, chat_template_kwargs (rlhf-ppo)");
  const std::string of_files = meaning_of<RewardModelConfig>("data.fields");
  EXPECT_NE(of_files.find("; names: messages, conversations, system, "), std::string::npos);
  EXPECT_TRUE(of_files.ends_with(" (rlhf-rm, rlhf-dpo), completion (rlhf-dpo)")) << of_files;
}

/// The stages that the heading of a table of docs/metrics.md names.
const std::map<std::string, MetricStages> kSections = {{"rlhf-sft", MetricStages::sft},
                                                       {"rlhf-rm", MetricStages::reward_model},
                                                       {"rlhf-dpo", MetricStages::dpo},
                                                       {"rlhf-sft, rlhf-rm and rlhf-dpo", MetricStages::supervised},
                                                       {"rlhf-ppo", MetricStages::ppo}};

TEST(Metrics, AreThoseOfTheDocumentation) {
  const auto rows = table_rows(testing::source_dir() + "/../docs/metrics.md", "name");
  ASSERT_EQ(rows.size(), std::size(kMetrics));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const MetricInfo& info = kMetrics[i];
    auto cells = rows[i].cells;
    EXPECT_EQ(cells["name"], info.name);
    EXPECT_EQ(cells["unit"], info.unit) << info.name;
    EXPECT_EQ(cells["what"], info.what) << info.name;
    EXPECT_EQ(cells["better"], !info.better ? "" : info.better == Better::higher ? "higher" : "lower") << info.name;
    EXPECT_EQ(cells["eval"], info.evaluated ? "yes" : "") << info.name;
    const auto stages = kSections.find(rows[i].section);
    if (stages != kSections.end()) {
      EXPECT_EQ(stages->second, info.stages) << info.name;
    }
  }
}

TEST(Metrics, HaveOneMeaningInAStage) {
  for (const Stage stage : kStages) {
    std::set<std::string_view> names;
    for (const MetricInfo& info : kMetrics)
      if (includes(info.stages, stage)) {
        EXPECT_TRUE(names.insert(info.name).second) << info.name;
      }
    EXPECT_TRUE(names.contains("perf/tokens_per_second"));
  }
}

TEST(Metrics, SayWhichDirectionIsBetter) {
  EXPECT_EQ(better_of(Stage::sft, "eval_loss"), Better::lower);
  EXPECT_EQ(better_of(Stage::sft, "eval_mean_token_accuracy"), Better::higher);
  EXPECT_EQ(better_of(Stage::sft, "mean_token_accuracy"), Better::higher);
  EXPECT_EQ(better_of(Stage::sft, "eval_entropy"), std::nullopt);
  EXPECT_EQ(better_of(Stage::sft, "eval_accuracy"), std::nullopt) << "of another stage";
  EXPECT_EQ(better_of(Stage::reward_model, "eval_accuracy"), Better::higher);
  EXPECT_EQ(better_of(Stage::reward_model, "eval_margin"), Better::higher);
  EXPECT_EQ(better_of(Stage::ppo, "objective/scores"), Better::higher);
  EXPECT_EQ(better_of(Stage::ppo, "eval_objective/scores"), Better::higher);
  EXPECT_EQ(better_of(Stage::ppo, "eval_objective/kl"), std::nullopt);
  EXPECT_EQ(better_of(Stage::ppo, "eval_loss/value_avg"), std::nullopt) << "not evaluated";
}

TEST(Metrics, ThatAreBetterInOneDirectionCanChooseTheBestEvaluation) {
  EXPECT_EQ(best_by_names(Stage::sft), (std::vector<std::string>{"eval_loss", "eval_mean_token_accuracy"}));
  EXPECT_EQ(best_by_names(Stage::reward_model),
            (std::vector<std::string>{"eval_loss", "eval_accuracy", "eval_margin"}));
  EXPECT_EQ(best_by_names(Stage::dpo),
            (std::vector<std::string>{"eval_loss", "eval_rewards/accuracies", "eval_rewards/margins"}));
  EXPECT_EQ(best_by_names(Stage::ppo), (std::vector<std::string>{"eval_objective/scores", "eval_objective/rlhf_reward",
                                                                 "eval_objective/held_out_scores"}));
  EXPECT_EQ(
      meaning_of<SftConfig>("eval.best_by"),
      "metric by which the best model is kept in best/: eval_loss, eval_mean_token_accuracy (rlhf-sft), eval_loss, "
      "eval_accuracy, eval_margin (rlhf-rm), eval_objective/scores, eval_objective/rlhf_reward, "
      "eval_objective/held_out_scores (rlhf-ppo), "
      "eval_loss, eval_rewards/accuracies, eval_rewards/margins (rlhf-dpo); default: the first of the stage");
}

}  // namespace
}  // namespace rlhf
