// The reward model on rankings of K answers.
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
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

constexpr int kPrompts = 4;

class Rankings : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    train_sft(sft_config("sft"));
    std::ofstream rankings(path("rankings.jsonl")), pairs(path("same.jsonl"));
    for (int a = 0; a < kPrompts; ++a) {
      const std::string prompt = std::to_string(a) + "+1=";
      const std::vector<std::string> answers = {std::to_string(a + 1), std::to_string(a + 2), "+"};  // best first
      json list = json::array();
      for (int i : {2, 0, 1}) list.push_back({{"text", answers[static_cast<std::size_t>(i)]}, {"rank", i}});
      rankings << json{{"prompt", prompt}, {"completions", list}} << "\n";
      for (const auto& [better, worse] : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)})
        pairs << json{{"prompt", prompt},
                      {"chosen", answers[static_cast<std::size_t>(better)]},
                      {"rejected", answers[static_cast<std::size_t>(worse)]}}
              << "\n";
    }
  }

  RewardModelConfig config(const std::string& data, std::int64_t batch_size) const {
    RewardModelConfig config = reward_config("sft/final", data + "-rm");
    config.data.train = {{path(data + ".jsonl")}};
    config.train.batch_size = batch_size;
    config.train.max_steps = 5;
    config.reward_model.centering = 0.01;
    return config;
  }
};

// With all data in every step, the mean over rankings of the mean over their pairs is the mean over all pairs.
TEST_F(Rankings, LearnWhatTheirPairsTeach) {
  train_reward_model(config("rankings", kPrompts));
  train_reward_model(config("same", 3 * kPrompts));
  const auto ranked = timeless_metrics(path("rankings-rm")), paired = timeless_metrics(path("same-rm"));
  ASSERT_EQ(ranked.size(), 5u);
  ASSERT_EQ(paired.size(), 5u);
  for (std::size_t step = 0; step < ranked.size(); ++step) {
    for (const char* name : {"loss", "margin", "grad_norm", "accuracy", "min_reward", "max_reward"}) {
      const double expected = paired[step].at(name).get<double>();
      EXPECT_NEAR(ranked[step].at(name).get<double>(), expected, 1e-4 * (std::abs(expected) + 0.01))
          << name << " of step " << step + 1;
    }
    EXPECT_EQ(ranked[step].at("num_pairs"), 3 * kPrompts);
    EXPECT_EQ(2 * ranked[step].at("num_tokens").get<std::int64_t>(), paired[step].at("num_tokens"))
        << "each text once, not in two pairs";
  }
  EXPECT_LT(ranked.back().at("loss"), ranked.front().at("loss"));
}

TEST_F(Rankings, ComputeTheirPromptOnce) {
  const RunSummary ranked = train_reward_model(config("rankings", kPrompts));
  const RunSummary paired = train_reward_model(config("same", 3 * kPrompts));
  EXPECT_LT(2 * ranked.work.processed_tokens, paired.work.processed_tokens);
}

TEST(RankedBatch, LaysTheSharedStartOnceAndWeighsBySample) {
  const RankedSample pair{{{1, 2, 3, 4}, {1, 2, 5}}, {{0, 1, 0.5F}}, 2};
  const RankedSample ranking{{{7, 1}, {7, 2, 3}, {7, 2, 4}}, {{0, 1}, {0, 2}}, 1};
  const RankedBatch batch = make_ranked_batch({&pair, &ranking}, at::kCPU);
  const auto list = [](const at::Tensor& tensor) {
    const at::Tensor values = tensor.to(at::kDouble);
    return std::vector<double>(values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel());
  };
  using List = std::vector<double>;
  EXPECT_EQ(list(batch.packed.tokens), (List{1, 2, 3, 4, 5, 7, 1, 2, 3, 2, 4}));
  EXPECT_EQ(list(batch.packed.positions), (List{0, 1, 2, 3, 2, 0, 1, 1, 2, 1, 2}));
  EXPECT_EQ(list(batch.rows), (List{3, 4, 6, 8, 10}));
  EXPECT_EQ(list(batch.chosen), (List{0, 2, 2}));
  EXPECT_EQ(list(batch.rejected), (List{1, 3, 4}));
  EXPECT_EQ(list(batch.labels.margin), (List{0.5, 0, 0}));
  EXPECT_EQ(list(batch.labels.weight), (List{1, 0.5, 0.5}));
}

TEST(RankedBatch, ATextThatAnotherBeginsWithKeepsItsLastToken) {
  const RankedSample sample{{{1, 2}, {1, 2, 3}}, {{0, 1}}, 1};
  const RankedBatch batch = make_ranked_batch({&sample}, at::kCPU);
  EXPECT_EQ(batch.packed.segments.offsets, (std::vector<std::int64_t>{0, 1, 2, 4}));
}

}  // namespace
}  // namespace rlhf
