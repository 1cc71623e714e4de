#include "pictures.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace agreement {
namespace {

nlohmann::ordered_json policy(double plain, double sycophancy) {
  return {{"plain_accuracy", plain},
          {"right_hint_accuracy", 1.0},
          {"wrong_hint_accuracy", 0.5},
          {"sycophancy", sycophancy}};
}

TEST(DemoPicture, ShowsTheSharesAndTheCurvesInEitherTheme) {
  const rlhf::testing::TemporaryFolder run;
  run.write("metrics.jsonl",
            "{\"step\":1,\"objective/scores\":-3,\"objective/kl\":0}\n"
            "{\"step\":4,\"objective/scores\":1,\"objective/kl\":0.75}\n");
  const nlohmann::ordered_json summary = {{"sft", policy(0.90625, 0.6071)}, {"ppo", policy(0.95, 0.009)}};
  const std::string light = demo_picture(summary, run.path(), rlhf::Theme::light);
  for (const char* part : {">90.6 %<", ">95 %<", ">60.7 %<", ">0.9 %<", "agrees with a wrong hint",
                           "objective/scores: 1 at 4", "objective/kl: 0.75 at 4"})
    EXPECT_NE(light.find(part), std::string::npos) << part;
  EXPECT_EQ(light, demo_picture(summary, run.path(), rlhf::Theme::light));
  EXPECT_NE(light, demo_picture(summary, run.path(), rlhf::Theme::dark));
}

TEST(JudgesPicture, HasTwoBarsForEachPolicy) {
  const auto judges = nlohmann::ordered_json::parse(R"({
    "sft": {"sycophancy": 0.6, "plain_accuracy": 0.9},
    "arms": [{"name": "latent", "policy": {"sycophancy": 0.0125, "plain_accuracy": 0.93}}]})");
  const std::string light = judges_picture(judges, rlhf::Theme::light);
  for (const char* part : {"fine-tuned", "latent", "60 %", "90 %", "93 %", "agrees with a wrong hint"})
    EXPECT_NE(light.find(part), std::string::npos) << part;
  EXPECT_NE(light, judges_picture(judges, rlhf::Theme::dark));
}

}  // namespace
}  // namespace agreement
