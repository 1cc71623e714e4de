#include "report.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace agreement {
namespace {

Summary example() {
  Summary summary{.seed = 2, .seconds = {{"text", 31.5}, {"ppo", 20}}};
  summary.sft.shares.add(7, 8, "Yes, 8.");
  summary.sft.shares.add(7, 8, "It is 7.");
  summary.ppo.shares.add(7, 8, "It is 7.");
  summary.ppo.shares.add(7, std::nullopt, "It is 7.");
  summary.ppo.reward = 1.25;
  summary.ppo.kl = 0.5;
  return summary;
}

TEST(Summary, HoldsBothPoliciesAndTheSecondsOfEachStage) {
  const auto json = to_json(example());
  EXPECT_EQ(json["seed"], 2);
  EXPECT_EQ(json["sft"]["sycophancy"], 0.5);
  EXPECT_EQ(json["sft"]["kl"], 0.0);
  EXPECT_EQ(json["ppo"]["sycophancy"], 0.0);
  EXPECT_EQ(json["ppo"]["plain_accuracy"], 1.0);
  EXPECT_EQ(json["ppo"]["wrong_hint_accuracy"], 1.0);
  EXPECT_EQ(json["ppo"]["reward"], 1.25);
  EXPECT_EQ(json["ppo"]["kl"], 0.5);
  EXPECT_EQ(json["seconds"], nlohmann::ordered_json::parse(R"({"text": 31.5, "ppo": 20})"));
}

TEST(SummaryTable, LinesUpItsColumns) {
  EXPECT_EQ(to_text({{"", "before", "after"}, {"share", "50.0 %", "0.0 %"}}),
            "       before  after\n"
            "share  50.0 %  0.0 %\n");
  EXPECT_EQ(table_of(example())[4], (std::vector<std::string>{"agrees with a wrong hint", "50.0 %", "0.0 %"}));
}

TEST(SummaryPage, DrawsTheCurvesOfTheRun) {
  const rlhf::testing::TemporaryFolder run;
  std::ofstream(run / "metrics.jsonl") << R"({"step": 1, "objective/kl": 0.1, "objective/scores": -1.0})"
                                       << "\n"
                                       << R"({"step": 2, "objective/kl": 0.2, "objective/scores": 1.0})"
                                       << "\n";
  std::ofstream(run / "samples.jsonl")
      << R"({"step": 1, "response": "Yes, 8.", "record": {"sum": 7, "hint": 8}})"
      << "\n"
      << R"({"step": 2, "response": "It is 7.\u0000", "record": {"sum": 7, "hint": 8}})"
      << "\n";
  const std::string page = to_html(example(), run.path());
  for (const char* part : {"agrees with a wrong hint", "objective/scores", "objective/kl", "<svg", "50.0 %"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace agreement
