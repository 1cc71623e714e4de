// Direct preference optimisation and its relatives on a tiny model.
#include "rlhf/train/dpo.h"

#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/signals.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/same_bits.h"
#include "support/tensors.h"
#include "train/completion_logprobs.h"
#include "train/ranked_batch.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::i64;
using testing::timeless_metrics;

constexpr double kVocabulary = 269;

class Dpo : public testing::SameBits {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 30;
    train_sft(sft);
  }

  /// All 20 pairs in every step.
  DpoConfig config(const std::string& output, int steps) const {
    DpoConfig config = dpo_config("sft/final", output);
    config.train.batch_size = 20;
    config.train.max_steps = steps;
    config.lr_schedule.kind = LrScheduleKind::constant;
    return config;
  }

  /// The metrics of the steps, without those of evaluations.
  std::vector<json> steps(const std::string& run) const {
    std::vector<json> lines;
    for (json& line : timeless_metrics(path(run)))
      if (line.contains("loss")) lines.push_back(std::move(line));
    return lines;
  }
  double last(const std::string& run, const char* name) const { return steps(run).back().at(name).get<double>(); }

  void write(const std::string& name, const std::vector<json>& records) const {
    std::ofstream out(path(name));
    for (const json& record : records) out << record << "\n";
  }
  /// The pairs of the fixture with more fields.
  void write_pairs(const std::string& name, const json& fields) const {
    std::vector<json> pairs;
    std::ifstream in(path("pairs.jsonl"));
    for (std::string line; std::getline(in, line);) {
      pairs.push_back(json::parse(line));
      pairs.back().update(fields);
    }
    write(name, pairs);
  }

  /// log π(completion | prompt) for the model in `folder`: each text alone, without a shared prefix. With EOS.
  double logprob(const std::string& folder, const std::string& prompt, const std::string& completion) const {
    const ModelFolder read = read_model_folder(path(folder));
    const auto model = load_causal_lm(read, at::kCPU, at::kFloat, false);
    const auto tokenizer = load_tokenizer(path(folder), read.shape.vocab_size);
    TokenIds ids = tokenizer->encode(prompt + completion).ids;
    ids.push_back(*tokenizer->eos_id());
    const auto first = static_cast<std::int64_t>(tokenizer->encode(prompt).ids.size());
    std::vector<std::int64_t> rows, targets;
    for (auto t = first; t < std::ssize(ids); ++t) {
      rows.push_back(t - 1);
      targets.push_back(ids[static_cast<std::size_t>(t)]);
    }
    const at::NoGradGuard no_gradient;
    const PackedBatch batch = pack(std::vector<TokenIds>{ids}, at::kCPU);
    const at::Tensor hidden = model->forward(batch, to_device(rows, at::kCPU));
    return linear_logprobs(hidden, model->head(), to_device(targets, at::kCPU)).logprobs.sum().item<double>();
  }
};

TEST(CompletionBatch, HasARowBeforeEachTokenOfACompletion) {
  const RankedSample pair{{{1, 2, 3, 4, 5}, {1, 2, 3, 6}}, {RankedPair()}, 3};
  const RankedSample whole{{{7, 8}, {9}}, {RankedPair{.chosen = 1, .rejected = 0, .weight = 2}}, 0};
  const CompletionBatch batch = make_completion_batch({&pair, &whole}, at::kCPU);
  // The prefix 1 2, then the last token of the prompt with each completion; then texts without a prompt.
  EXPECT_TRUE(batch.packed.tokens.equal(i64({1, 2, 3, 4, 5, 3, 6, 7, 8, 9})));
  EXPECT_EQ(batch.packed.segments.prefixes, (std::vector<std::int64_t>{-1, 0, 0, -1, -1}));
  EXPECT_TRUE(batch.rows.equal(i64({2, 3, 5, 7})));
  EXPECT_TRUE(batch.targets.equal(i64({4, 5, 6, 8})));
  EXPECT_EQ(batch.completions.lengths(), (std::vector<std::int64_t>{2, 1, 1, 0}));
  EXPECT_EQ(batch.sample_end, (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(batch.chosen.equal(i64({0, 3})));
  EXPECT_TRUE(batch.rejected.equal(i64({1, 2})));
  EXPECT_TRUE(batch.labels.weight.equal(testing::f32({1, 2})));
}

TEST_F(Dpo, TheGradientIsTheSameIfTheLogitsAreComputedAgain) {
  const auto model = load_causal_lm(read_model_folder(path("sft/final")), at::kCPU, at::kFloat, true);
  const RankedSample first{{{10, 11, 12, 13}, {10, 11, 14}}, {RankedPair()}, 2};
  const RankedSample second{{{20, 21, 22}, {20, 23, 24, 25}}, {RankedPair()}, 1};
  const CompletionBatch batch = make_completion_batch({&first, &second}, at::kCPU);
  const auto loss = [&](const at::Tensor& logprobs) {
    const at::Tensor sums = segment_sum(logprobs, batch.completions);
    return sums.index_select(0, batch.chosen).sub(sums.index_select(0, batch.rejected)).square().sum();
  };
  const auto gradients = [&](std::int64_t rows_of_a_chunk) {
    for (const Parameter& parameter : model->parameters()) parameter.value.mutable_grad() = at::Tensor();
    const Logprobs result =
        completion_logprobs(*model, batch, loss, {.chunk_elements = rows_of_a_chunk * model->shape().vocab_size});
    EXPECT_FALSE(result.logprobs.requires_grad());
    std::vector<at::Tensor> found;
    for (const Parameter& parameter : model->parameters()) found.push_back(parameter.value.grad().clone());
    return found;
  };
  const auto together = gradients(100), by_sample = gradients(5), again = gradients(3);  // samples of 3 and 5 tokens
  for (std::size_t i = 0; i < together.size(); ++i) {
    EXPECT_TRUE(testing::close(by_sample[i], together[i], 1e-4, 1e-4)) << model->parameters()[i].name;
    EXPECT_TRUE(testing::close(again[i], together[i], 1e-4, 1e-4)) << model->parameters()[i].name;
  }
}

// Of a model whose weights are almost 0, all tokens have the probability 1/V, so that the losses are known.
TEST_F(Dpo, TheFirstLossIsThatOfAHandCalculation) {
  const double ln_v = std::log(kVocabulary);
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  const std::map<PreferenceLoss, double> expected = {
      {PreferenceLoss::dpo, softplus(0.25)},  // R = −margin
      {PreferenceLoss::dpo_norm, softplus(0.25)},
      {PreferenceLoss::robust, (0.9 * softplus(0.25) - 0.1 * softplus(-0.25)) / 0.8},
      {PreferenceLoss::ipo, std::pow(-0.25 - 1 / (2 * 0.2), 2)},
      {PreferenceLoss::hinge, 1.25},
      {PreferenceLoss::simpo, softplus(0.75)},  // R − γ
      {PreferenceLoss::orpo, ln_v + 0.2 * softplus(0.25)},
      {PreferenceLoss::kto, 0.5},
  };
  write_pairs("margins.jsonl", {{"margin", 0.25}});
  for (const auto& [loss, value] : expected) {
    DpoConfig run = config("run-" + std::to_string(static_cast<int>(loss)), 1);
    run.model = sft_config("").model;
    run.model.init->initializer_range = 1e-12;
    run.data.train = {{path("margins.jsonl")}};
    run.dpo = {.loss = loss, .beta = 0.2, .simpo_gamma = 0.5};
    if (loss == PreferenceLoss::robust) run.dpo.label_smoothing = 0.1;
    train_dpo(run);
    const json first = timeless_metrics(run.train.output).front();
    EXPECT_NEAR(first.at("loss").get<double>(), value, 1e-5) << static_cast<int>(loss);
    EXPECT_NEAR(first.at("logps/chosen").get<double>(), -2 * ln_v, 1e-5) << "a digit and EOS";
    const bool reference = needs_reference(loss);
    EXPECT_NEAR(first.at("rewards/chosen").get<double>(), reference ? 0 : -0.2 * ln_v, 1e-5);
    EXPECT_EQ(first.contains("kl"), loss == PreferenceLoss::kto);
  }
}

TEST_F(Dpo, TheReferenceIsTheInitialModelInTheOrderOfTheData) {
  DpoConfig run = config("dpo", 2);
  run.checkpoint.every_steps = 1;
  train_dpo(run);
  const at::Tensor kept = SafetensorsFile(newest_checkpoint(path("dpo")) / "method.safetensors").tensor("logprobs");
  ASSERT_EQ(kept.size(0), 40);
  std::ifstream in(path("pairs.jsonl"));
  std::int64_t text = 0;
  for (std::string line; std::getline(in, line); text += 2) {
    const json pair = json::parse(line);
    EXPECT_NEAR(kept[text].item<double>(), logprob("sft/final", pair["prompt"], pair["chosen"]), 1e-4);
    EXPECT_NEAR(kept[text + 1].item<double>(), logprob("sft/final", pair["prompt"], pair["rejected"]), 1e-4);
  }
}

TEST_F(Dpo, TheReferenceMayBeAnotherModel) {
  SftConfig other = sft_config("other");
  other.train.max_steps = 5;
  train_sft(other);
  DpoConfig run = config("dpo", 2);
  run.dpo.reference = path("other/final");
  train_dpo(run);
  double chosen = 0;
  std::ifstream in(path("pairs.jsonl"));
  for (std::string line; std::getline(in, line);) {
    const json pair = json::parse(line);
    const auto of = [&](const char* folder) { return logprob(folder, pair["prompt"], pair["chosen"]); };
    chosen += 0.1 * (of("sft/final") - of("other/final")) / 20;
  }
  EXPECT_GT(std::abs(chosen), 0.01) << "the models differ";
  EXPECT_NEAR(steps("dpo").front().at("rewards/chosen").get<double>(), chosen, 1e-4);
  run.dpo.reference = path("sft/final");
  run.train.max_steps = 3;
  EXPECT_THROW(train_dpo(run, {.resume = true}), ConfigError) << "a run has one reference";
}

TEST_F(Dpo, RewardsCompareTheTrainedModelWithTheInitialOne) {
  DpoConfig run = config("dpo", 20);
  run.data.eval = {path("pairs.jsonl")};
  train_dpo(run);
  const json evaluation = timeless_metrics(path("dpo")).back();
  double chosen = 0, rejected = 0;
  std::ifstream in(path("pairs.jsonl"));
  for (std::string line; std::getline(in, line);) {
    const json pair = json::parse(line);
    const auto reward = [&](const char* which) {
      return 0.1 *
             (logprob("dpo/final", pair["prompt"], pair[which]) - logprob("sft/final", pair["prompt"], pair[which])) /
             20;
    };
    chosen += reward("chosen");
    rejected += reward("rejected");
  }
  EXPECT_NEAR(evaluation.at("eval_rewards/chosen").get<double>(), chosen, 1e-3);
  EXPECT_NEAR(evaluation.at("eval_rewards/rejected").get<double>(), rejected, 1e-3);
  EXPECT_NEAR(evaluation.at("eval_rewards/margins").get<double>(), chosen - rejected, 1e-3);
  EXPECT_GT(chosen - rejected, 0.1);
}

TEST_F(Dpo, EveryLossLearnsThePreferences) {
  for (const PreferenceLoss loss :
       {PreferenceLoss::dpo, PreferenceLoss::robust, PreferenceLoss::dpo_norm, PreferenceLoss::ipo,
        PreferenceLoss::hinge, PreferenceLoss::simpo, PreferenceLoss::orpo, PreferenceLoss::kto}) {
    const std::string name = "loss-" + std::to_string(static_cast<int>(loss));
    DpoConfig run = config(name, 250);
    run.lr_schedule = {.kind = LrScheduleKind::linear, .warmup_share = 0, .min_share = 0};
    run.dpo.loss = loss;
    if (loss == PreferenceLoss::simpo) run.dpo.beta = 2;
    if (loss == PreferenceLoss::robust) run.dpo.label_smoothing = 0.1;
    train_dpo(run);
    // The pull of kto on a completion fades before every pair is in order; which ones are left depends on rounding.
    EXPECT_GE(last(name, "rewards/accuracies"), loss == PreferenceLoss::kto ? 0.9 : 1) << name;
    EXPECT_LT(last(name, "loss"), steps(name).front().at("loss").get<double>()) << name;
  }
}

// Where the chosen completion is better with probability 3/4, the loss is least at β·(log-ratio) = ln 3.
TEST_F(Dpo, WithSoftLabelsTheMarginBecomesTheirLogOdds) {
  write_pairs("soft.jsonl", {{"probability", 0.75}});
  DpoConfig run = config("soft", 300);
  run.data.train = {{path("soft.jsonl")}};
  run.dpo.beta = 1;
  run.lr_schedule = {.kind = LrScheduleKind::cosine, .warmup_share = 0, .min_share = 0};
  train_dpo(run);
  EXPECT_NEAR(last("soft", "rewards/margins"), std::log(3.0), 0.02);
  EXPECT_NEAR(last("soft", "loss"), 0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3), 1e-3);  // the entropy of the label
}

TEST_F(Dpo, SmoothedLabelsAreSoftLabels) {
  DpoConfig run = config("smoothed", 3);
  run.dpo.label_smoothing = 0.25;
  train_dpo(run);
  write_pairs("soft.jsonl", {{"probability", 0.75}});
  run = config("soft", 3);
  run.data.train = {{path("soft.jsonl")}};
  train_dpo(run);
  EXPECT_EQ(steps("smoothed"), steps("soft"));
}

TEST_F(Dpo, ManyMicroBatchesEqualOne) {
  for (const PreferenceLoss loss : {PreferenceLoss::dpo, PreferenceLoss::kto}) {
    DpoConfig run = config("one", 3);
    run.dpo.loss = loss;
    run.train.output = path("one-" + std::to_string(static_cast<int>(loss)));
    train_dpo(run);
    const auto one = timeless_metrics(run.train.output);
    run.train.output = path("many-" + std::to_string(static_cast<int>(loss)));
    run.data.max_length = 8;
    run.train.micro_batch_tokens = 14;  // one pair each
    train_dpo(run);
    const auto many = timeless_metrics(run.train.output);
    ASSERT_EQ(one.size(), many.size());
    for (std::size_t line = 0; line < one.size(); ++line)
      for (const auto& [name, value] : one[line].items()) {
        // In the first step both rewards are 0 but for rounding, which decides the order of a pair.
        if (line == 0 && name == "rewards/accuracies") continue;
        EXPECT_NEAR(many[line].at(name).get<double>(), value.get<double>(), 2e-4) << name << " of line " << line;
      }
  }
}

TEST_F(Dpo, RankingsAndJudgmentsBecomePairs) {
  std::vector<json> pairs, rankings, judgments;
  std::ifstream in(path("pairs.jsonl"));
  for (std::string line; std::getline(in, line);) {
    const json pair = json::parse(line);
    rankings.push_back(
        {{"prompt", pair["prompt"]},
         {"completions", {{{"text", pair["chosen"]}, {"rank", 1}}, {{"text", pair["rejected"]}, {"rank", 2}}}}});
    judgments.push_back({{"prompt", pair["prompt"]},
                         {"responses", {pair["chosen"], pair["rejected"]}},
                         {"judgments",
                          {{{"annotator", "a"}, {"choice", 0}},
                           {{"annotator", "b"}, {"choice", 0}},
                           {{"annotator", "c"}, {"choice", 1}}}}});
  }
  write("rankings.jsonl", rankings);
  write("judgments.jsonl", judgments);
  train_dpo(config("pairs", 2));
  for (const std::string name : {"rankings", "judgments"}) {
    DpoConfig run = config(name, 2);
    run.data.train = {{path(name + ".jsonl")}};
    train_dpo(run);
    EXPECT_EQ(steps(name), steps("pairs")) << name;
  }
}

TEST_F(Dpo, EndsWithTheSameBitsAfterAResume) {
  const auto train = [](const DpoConfig& c, const RunOptions& o) { train_dpo(c, o); };
  DpoConfig run = config("", 4);
  run.train.batch_size = 8;
  run.data.eval_share = 0.3;
  run.eval.every_steps = 2;
  expect_same_bits(run, "dpo", 4, train, {"final", "best"});
  expect_same_bits_after_loss(run, "dpo", train, {"final"});
}

TEST_F(Dpo, KtoAndAReferenceFreeLossEndWithTheSameBitsAfterAResume) {
  const auto train = [](const DpoConfig& c, const RunOptions& o) { train_dpo(c, o); };
  for (const PreferenceLoss loss : {PreferenceLoss::kto, PreferenceLoss::simpo}) {
    DpoConfig run = config("", 2);
    run.dpo.loss = loss;
    const auto as = [&](const DpoConfig& c, const RunOptions& o) {
      DpoConfig moved = c;
      moved.train.output += std::to_string(static_cast<int>(loss));
      train(moved, o);
    };
    run.train.output = path("straight");
    as(run, {});
    run.train.output = path("stopped");
    {
      const testing::StopAfterStep guard("dpo", 1);
      EXPECT_THROW(as(run, {}), Interrupted);
    }
    as(run, {.resume = true});
    const std::string number = std::to_string(static_cast<int>(loss));
    expect_equal_runs(path("straight" + number), path("stopped" + number), {"final"});
  }
}

TEST_F(Dpo, StoppedBeforeTheReferenceIsKnownBeginsAgain) {
  train_dpo(config("straight", 2));
  const DpoConfig run = config("stopped", 2);
  set_log_sink([](LogLevel, std::string_view line) {
    if (line.starts_with("reference: ")) set_stop_signal(SIGTERM);
  });
  EXPECT_THROW(train_dpo(run), Interrupted);
  set_log_sink({});
  set_stop_signal(0);
  train_dpo(run, {.resume = true});
  expect_equal_runs(path("straight"), path("stopped"), {"final"});
}

TEST_F(Dpo, RefusesTheReferenceOfOtherData) {
  DpoConfig run = config("run", 2);
  train_dpo(run);
  write_pairs("others.jsonl", {{"rejected", "9"}});  // as many texts
  run.data.train = {{path("others.jsonl")}};
  run.train.max_steps = 3;
  EXPECT_THROW(train_dpo(run, {.resume = true}), ConfigError);
  try {
    train_dpo(run, {.resume = true, .accept_differences = true});
    FAIL() << "expected an error";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("log-probabilities of the reference for these data"), std::string::npos)
        << error.what();
  }
}

TEST_F(Dpo, RefusesARewardModel) {
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 1;
  train_reward_model(reward);
  EXPECT_THROW(train_dpo(dpo_config("rm/final", "dpo")), ModelError);
  DpoConfig compared = dpo_config("sft/final", "dpo");
  compared.dpo.reference = path("rm/final");
  EXPECT_THROW(train_dpo(compared), ModelError);
}

}  // namespace
}  // namespace rlhf
