// The loss kto: single completions, what they are compared with, and how they are weighed.
#include "train/kto.h"

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/log.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/sft.h"

#include "support/misuse.h"
#include "support/same_bits.h"
#include "support/tensors.h"
#include "train/ranked_samples.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::f32;
using testing::timeless_metrics;

/// A completion to a prompt of one token.
RankedSample single(std::int32_t prompt, std::int32_t completion, float desirable) {
  return {{{prompt, completion}}, {}, 1, desirable};
}

TEST(Mismatch, IsAnAnswerToAnotherPrompt) {
  const auto prompts_and_answers = [](const std::vector<RankedSample>& samples) {
    std::vector<TokenIds> texts;
    for (const RankedSample& sample : mismatch(samples, 9)) {
      EXPECT_TRUE(sample.pairs.empty());
      EXPECT_FALSE(sample.desirable);
      EXPECT_EQ(sample.prompt_length, 1);
      texts.push_back(sample.texts.at(0));
    }
    return texts;
  };
  // All desirable ones first, as TRL's unpair_preference_dataset writes them: half of the data further is the same
  // prompt.
  EXPECT_EQ(prompts_and_answers({single(1, 11, 1), single(2, 12, 1), single(1, 21, 0), single(2, 22, 0)}),
            (std::vector<TokenIds>{{1, 22}, {2, 11}, {1, 12}, {2, 21}}));
  // A run of one prompt, which goes on at the start.
  EXPECT_EQ(prompts_and_answers({single(1, 11, 1), single(2, 12, 1), single(1, 13, 0), single(1, 14, 0)}),
            (std::vector<TokenIds>{{1, 12}, {2, 14}, {1, 12}, {1, 12}}));
  EXPECT_EQ(prompts_and_answers({single(1, 11, 1), single(1, 12, 1)}), (std::vector<TokenIds>{{1, 12}, {1, 11}}))
      << "there is no other prompt";
  EXPECT_TRUE(mismatch({}, 9).empty());
  EXPECT_EQ(mismatch({single(1, 11, 1), {{{2, 12, 13, 14}}, {}, 1, 1.0F}}, 3).at(0).texts.at(0), (TokenIds{1, 12, 13}));
}

TEST(KtoWeights, AreThoseOfLabelsAndProbabilities) {
  const RankedSample pair{{{1, 2}, {1, 3}}, {RankedPair{.weight = 2, .target = 0.75}}, 1};
  const RankedSample ranking{{{1, 2}, {1, 3}, {1, 4}}, {RankedPair{0, 1}, RankedPair{1, 2}}, 1};
  const RankedSample bad = single(5, 6, 0), nearly_good = single(5, 7, 0.75);
  const DpoOptions options{.desirable_weight = 3, .undesirable_weight = 5};
  const TextWeights weights = kto_weights({&pair, &bad, &nearly_good, &ranking}, options, at::kCPU);
  EXPECT_TRUE(testing::close(weights.chosen, f32({2.25F, 0.75F, 0, 2.25F, 0.75F, 0.75F, 0}), 1e-6)) << weights.chosen;
  EXPECT_TRUE(testing::close(weights.rejected, f32({1.25F, 3.75F, 5, 1.25F, 0, 1.25F, 1.25F}), 1e-6))
      << weights.rejected;
  const TextWeights labels = label_weights({&pair, &nearly_good}, at::kCPU);
  EXPECT_TRUE(labels.chosen.equal(f32({1, 0, 1})));
  EXPECT_TRUE(labels.rejected.equal(f32({0, 1, 0})));
}

TEST(KtoBalance, IsFromOneToFourThirds) {
  const auto warning = [](int desirable, int undesirable, double good, double bad) {
    std::vector<RankedSample> samples(static_cast<std::size_t>(desirable), single(1, 2, 1));
    samples.insert(samples.end(), static_cast<std::size_t>(undesirable), single(1, 2, 0));
    return kto_balance_warning(count(samples), {.desirable_weight = good, .undesirable_weight = bad});
  };
  EXPECT_EQ(warning(3, 3, 1, 1), "");
  EXPECT_EQ(warning(4, 3, 1, 1), "");
  EXPECT_EQ(warning(1, 10, 10, 1), "");
  EXPECT_EQ(warning(10, 1, 1, 7.5), "") << "4/3";
  const std::string start =
      "dpo.loss: kto: expected desirable completions that count 1 to 4/3 times as much as the undesirable ones, found ";
  EXPECT_EQ(warning(12, 3, 1, 1), start + "4 times; hint: dpo.undesirable_weight of 3 to 4");
  EXPECT_EQ(warning(3, 12, 2, 1), start + "0.5 times; hint: dpo.desirable_weight of 4 to 5.33");
  EXPECT_EQ(warning(3, 0, 1, 1), start + "no undesirable ones");
  EXPECT_EQ(warning(0, 3, 1, 1), start + "no desirable ones");
  const std::vector<RankedSample> pairs = {{{{1, 2}, {1, 3}}, {RankedPair()}, 1}};
  EXPECT_EQ(kto_balance_warning(count(pairs), {}), "");
  EXPECT_NE(kto_balance_warning(count(pairs), {.desirable_weight = 2}), "");
}

class Kto : public testing::SameBits {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 30;
    train_sft(sft);
    // The pairs of the fixture as TRL unpairs them: all that were chosen, then all that were rejected.
    std::vector<json> pairs;
    std::ifstream in(path("pairs.jsonl"));
    for (std::string line; std::getline(in, line);) pairs.push_back(json::parse(line));
    std::ofstream all(path("unpaired.jsonl")), good(path("good.jsonl")), few(path("few.jsonl"));
    for (const bool label : {true, false})
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        const json record = {
            {"prompt", pairs[i]["prompt"]}, {"completion", pairs[i][label ? "chosen" : "rejected"]}, {"label", label}};
        all << record << "\n";
        if (label) good << record << "\n";
        if (label || i < 5) few << record << "\n";
      }
  }

  /// All completions in every step.
  DpoConfig config(const std::string& data, const std::string& output, int steps) const {
    DpoConfig config = dpo_config("sft/final", output);
    config.dpo.loss = PreferenceLoss::kto;
    config.data.train = {{path(data)}};
    config.train.batch_size = 40;
    config.train.max_steps = steps;
    config.lr_schedule.kind = LrScheduleKind::constant;
    return config;
  }
  std::vector<json> steps(const std::string& run) const {
    std::vector<json> lines;
    for (json& line : timeless_metrics(path(run)))
      if (line.contains("loss")) lines.push_back(std::move(line));
    return lines;
  }
};

// In the first step the policy is the reference, so all rewards and the KL are 0, and each loss is its weight · ½.
TEST_F(Kto, TheFirstLossIsThatOfAHandCalculation) {
  DpoConfig run = config("few.jsonl", "few", 1);  // 20 desirable ones and 5 others
  run.dpo.desirable_weight = 0.5;
  run.dpo.undesirable_weight = 1.5;
  train_dpo(run);
  const json first = steps("few").front();
  EXPECT_NEAR(first.at("loss").get<double>(), (20 * 0.5 + 5 * 1.5) / 2 / 25, 1e-5);
  EXPECT_NEAR(first.at("rewards/margins").get<double>(), 0, 1e-5);
  EXPECT_FALSE(first.contains("rewards/accuracies"));
  EXPECT_FALSE(first.contains("num_pairs"));
}

// As the KL is 0 at first, the first update of pairs is that of their completions.
TEST_F(Kto, TakesTheStepOfThePairsThatTheCompletionsWere) {
  train_dpo(config("pairs.jsonl", "pairs", 2));
  train_dpo(config("unpaired.jsonl", "unpaired", 2));
  const json pairs = steps("pairs").back(), unpaired = steps("unpaired").back();
  EXPECT_GT(std::abs(pairs.at("rewards/margins").get<double>()), 1e-3) << "something was learned";
  for (const char* name : {"rewards/margins", "rewards/chosen", "rewards/rejected", "logps/chosen", "logps/rejected"})
    EXPECT_NEAR(unpaired.at(name).get<double>(), pairs.at(name).get<double>(), 2e-4) << name;
}

// A pair is one sample, and its two completions count half each.
TEST_F(Kto, PairsAndSingleCompletionsMayBeMixed) {
  DpoConfig run = config("pairs.jsonl", "mixed", 1);
  run.data.train.push_back({path("few.jsonl")});
  run.train.batch_size = 45;
  run.dpo.desirable_weight = 0.8;
  run.dpo.undesirable_weight = 1.2;
  train_dpo(run);
  const json first = steps("mixed").front();
  const double pair = (0.8 + 1.2) / 2 / 2;
  EXPECT_NEAR(first.at("loss").get<double>(), (20 * pair + 20 * 0.8 / 2 + 5 * 1.2 / 2) / 45, 1e-5);
  EXPECT_EQ(first.at("num_pairs"), 20);
  EXPECT_TRUE(first.contains("rewards/accuracies"));
  double chosen = 0;
  for (const char* file : {"pairs.jsonl", "few.jsonl"}) {
    DpoConfig alone = config(file, std::string("alone-") + file, 1);
    train_dpo(alone);
    chosen += steps(std::string("alone-") + file).front().at("logps/chosen").get<double>() * (file[0] == 'p' ? 10 : 20);
  }
  EXPECT_NEAR(first.at("logps/chosen").get<double>(), chosen / 30, 1e-4);
}

TEST_F(Kto, LearnsWithUnbalancedLabels) {
  DpoConfig run = config("few.jsonl", "few", 60);
  run.dpo.undesirable_weight = 4;
  train_dpo(run);
  EXPECT_GT(steps("few").back().at("rewards/margins").get<double>(), 0.3);
  EXPECT_LT(steps("few").back().at("loss").get<double>(), steps("few").front().at("loss").get<double>());
}

TEST_F(Kto, ABatchMayLackAKind) {
  DpoConfig run = config("unpaired.jsonl", "ones", 6);
  run.train.batch_size = 1;
  train_dpo(run);
  for (const json& step : steps("ones")) {
    EXPECT_TRUE(std::isfinite(step.at("loss").get<double>()));
    EXPECT_NE(step.contains("rewards/chosen"), step.contains("rewards/rejected"));
    EXPECT_NE(step.contains("logps/chosen"), step.contains("logps/rejected"));
    EXPECT_FALSE(step.contains("rewards/margins"));
  }
}

TEST_F(Kto, ManyMicroBatchesEqualOne) {
  DpoConfig run = config("few.jsonl", "one", 3);
  train_dpo(run);
  run.train.output = path("many");
  run.data.max_length = 8;
  run.train.micro_batch_tokens = 9;  // a completion or two
  train_dpo(run);
  const auto one = steps("one"), many = steps("many");
  ASSERT_EQ(one.size(), many.size());
  for (std::size_t line = 0; line < one.size(); ++line)
    for (const auto& [name, value] : one[line].items())
      EXPECT_NEAR(many[line].at(name).get<double>(), value.get<double>(), 2e-4) << name << " of line " << line;
}

TEST_F(Kto, EndsWithTheSameBitsAfterAResumeAndKeepsTheReference) {
  const auto train = [](const DpoConfig& c, const RunOptions& o) { train_dpo(c, o); };
  DpoConfig run = config("few.jsonl", "", 4);
  run.train.batch_size = 6;
  run.data.eval_share = 0.3;
  run.eval.every_steps = 2;
  run.dpo.undesirable_weight = 4;
  expect_same_bits(run, "dpo", 4, train, {"final", "best"});
  const SafetensorsFile kept(newest_checkpoint(path("dpo-straight")) / "method.safetensors");
  EXPECT_EQ(kept.tensor("logprobs").size(0), 2 * 25) << "each completion, and each mismatched one";
}

TEST_F(Kto, WarnsOnceOfLabelsThatAreOutOfBalance) {
  std::vector<std::string> warnings, counts;
  set_log_sink([&](LogLevel, std::string_view line) {
    if (line.find("1 to 4/3") != std::string_view::npos) warnings.emplace_back(line);
    if (line.find("single completions: ") != std::string_view::npos) counts.emplace_back(line);
  });
  train_dpo(config("few.jsonl", "few", 2));
  train_dpo(config("unpaired.jsonl", "all", 2));
  set_log_sink({});
  EXPECT_EQ(counts, (std::vector<std::string>{"data: single completions: 20 desirable, 5 undesirable",
                                              "data: single completions: 20 desirable, 20 undesirable"}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("found 4 times; hint: dpo.undesirable_weight of 3 to 4"), std::string::npos);
}

TEST_F(Kto, RefusesWhatNeedsPairs) {
  DpoConfig run = config("unpaired.jsonl", "run", 2);
  run.data.eval_share = 0.3;
  run.eval.every_steps = 1;
  run.eval.best_by = "eval_rewards/accuracies";
  testing::expect_misuse<ConfigError>("eval.best_by: expected a metric of the data to evaluate on",
                                      [&] { train_dpo(run); });
  run.eval.best_by = "eval_rewards/margins";
  run.dpo.loss = PreferenceLoss::dpo;
  testing::expect_misuse<DataError>("which is single completions (dpo.loss: kto) for rlhf-dpo",
                                    [&] { train_dpo(run); });
}

TEST_F(Kto, TakesCompletionsOfOneKindOnly) {
  DpoConfig run = config("good.jsonl", "good", 30);
  train_dpo(run);
  EXPECT_GT(steps("good").back().at("logps/chosen").get<double>(),
            steps("good").front().at("logps/chosen").get<double>());
  EXPECT_FALSE(steps("good").back().contains("rewards/rejected"));
}

}  // namespace
}  // namespace rlhf
