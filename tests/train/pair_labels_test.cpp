// The reward model on pairs whose labels are not beyond doubt.
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"
#include "train/ranked_batch.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::timeless_metrics;

class PairLabelsInTraining : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 1;
    train_sft(sft);
  }

  /// All pairs in every step; the learning rate falls to 0, so that a long run ends at the optimum.
  RewardModelConfig config(const std::string& output, int steps) const {
    RewardModelConfig config = reward_config("sft/final", output);
    config.train.batch_size = 100;
    config.train.max_steps = steps;
    config.lr_schedule = {.kind = LrScheduleKind::cosine, .warmup_share = 0, .min_share = 0};
    return config;
  }

  /// The pairs of the fixture with more fields, each the copies that `copies` says.
  void write_pairs(const std::string& name, const std::function<json(int)>& fields,
                   const std::function<int(int)>& copies) const {
    std::ifstream in(path("pairs.jsonl"));
    std::ofstream out(path(name));
    int i = 0;
    for (std::string line; std::getline(in, line); ++i) {
      json pair = json::parse(line);
      pair.update(fields(i));
      for (int copy = 0; copy < copies(i); ++copy) out << pair << "\n";
    }
  }
};

TEST_F(PairLabelsInTraining, AWeightCountsAPairSoOften) {
  const auto once = [](int) { return 1; };
  const auto often = [](int i) { return 1 + i % 3; };
  write_pairs(
      "weighted.jsonl",
      [&](int i) {
        return json{{"weight", often(i)}};
      },
      once);
  write_pairs(
      "copied.jsonl", [](int) { return json::object(); }, often);
  for (const std::string name : {"weighted", "copied"}) {
    RewardModelConfig run = config(name, 1);
    run.data.train = {{path(name + ".jsonl")}};
    run.data.eval = {path(name + ".jsonl")};
    run.reward_model.centering = 0.01;
    train_reward_model(run);
  }
  const auto weighted = timeless_metrics(path("weighted")), copied = timeless_metrics(path("copied"));
  ASSERT_EQ(weighted.size(), copied.size());
  for (std::size_t line = 0; line < 2; ++line)  // the evaluation before the step, and the step
    for (const auto& [name, value] : copied[line].items()) {
      if (name.ends_with("mean_reward") || name.starts_with("num_") || name == "grad_norm") continue;
      EXPECT_NEAR(weighted[line].at(name).get<double>(), value.get<double>(), 1e-6) << name;
    }
}

TEST_F(PairLabelsInTraining, AProbabilityIsReachedAndNotPassed) {
  write_pairs(
      "soft.jsonl",
      [](int) {
        return json{{"probability", 0.75}};
      },
      [](int) { return 1; });
  RewardModelConfig run = config("soft", 150);
  run.data.train = {{path("soft.jsonl")}};
  train_reward_model(run);
  const auto lines = timeless_metrics(path("soft"));
  EXPECT_NEAR(lines.back()["margin"].get<double>(), std::log(3.0), 0.05);  // σ = 3/4
  EXPECT_NEAR(lines.back()["loss"].get<double>(), 0.75 * std::log(4.0 / 3) + 0.25 * std::log(4.0), 0.01);

  // Label smoothing says the same of all pairs.
  RewardModelConfig smooth = config("smooth", 150);
  smooth.reward_model.label_smoothing = 0.25;
  train_reward_model(smooth);
  EXPECT_EQ(timeless_metrics(path("smooth")), lines);
}

TEST_F(PairLabelsInTraining, SmoothingWithoutBiasTakesTheWrongLabelsOff) {
  RewardModelConfig plain = config("plain", 1), unbiased = config("unbiased", 1);
  plain.data.eval = unbiased.data.eval = {path("pairs.jsonl")};
  unbiased.reward_model.label_smoothing = 0.25;
  unbiased.reward_model.unbiased_smoothing = true;
  train_reward_model(plain);
  train_reward_model(unbiased);
  const auto expected = timeless_metrics(path("plain")), found = timeless_metrics(path("unbiased"));
  EXPECT_EQ(found[0], expected[0]) << "evaluations are not smoothed";
  // (0.75·l(R) − 0.25·l(−R)) / 0.5 = l(R) + 0.5·(l(R) − l(−R)), and l(−R) − l(R) = R.
  EXPECT_NEAR(found[1]["loss"].get<double>(),
              expected[1]["loss"].get<double>() - 0.5 * expected[1]["margin"].get<double>(), 1e-6);
}

TEST_F(PairLabelsInTraining, TheLossIpoPullsTheMarginToItsValue) {
  RewardModelConfig run = config("ipo", 150);
  run.reward_model.loss = RewardLoss::ipo;
  run.reward_model.ipo_tau = 0.25;
  train_reward_model(run);
  const auto lines = timeless_metrics(path("ipo"));
  EXPECT_NEAR(lines.front()["loss"].get<double>(), 4, 0.5) << "a fresh head gives margins near 0";
  EXPECT_NEAR(lines.back()["margin"].get<double>(), 2, 0.1);
  EXPECT_LT(lines.back()["loss"].get<double>(), 0.05);
}

TEST(RankedBatch, LabelsThatSayNothingAreNoTensors) {
  const RankedSample plain{{{1, 2}, {1, 3}}, {{0, 1, 0.5F}}, 1};
  RankedSample soft = plain, judged = plain;
  soft.pairs[0].target = 0.25F;
  judged.pairs[0].evidence = 2.0F;
  judged.pairs[0].weight = 3.0F;
  const RankedBatch defaults = make_ranked_batch({&plain, &plain}, at::kCPU);
  EXPECT_FALSE(defaults.labels.target.defined());
  EXPECT_FALSE(defaults.labels.evidence.defined());
  const RankedBatch batch = make_ranked_batch({&plain, &soft, &judged}, at::kCPU);
  const auto at = [](const at::Tensor& tensor, std::int64_t i) { return tensor[i].item<double>(); };
  EXPECT_EQ(at(batch.labels.target, 0), 1);
  EXPECT_EQ(at(batch.labels.target, 1), 0.25);
  EXPECT_TRUE(std::isinf(at(batch.labels.evidence, 1)));
  EXPECT_EQ(at(batch.labels.evidence, 2), 2);
  EXPECT_EQ(at(batch.labels.weight, 2), 3);
}

}  // namespace
}  // namespace rlhf
