// The three stages, generation, evaluation and resume on the accelerator of this machine, compared with the CPU.
#include <cmath>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "pretend_device.h"
#include "support/same_bits.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;

class Stages : public testing::SameBits, public ::testing::WithParamInterface<DtypeChoice> {
 protected:
  void SetUp() override {
    SameBits::SetUp();
    device_ = testing::test_accelerator();
  }

  /// Trains on both devices; calls train(config) with device, dtype and output set in `config`.
  template <typename Config, typename Train>
  void on_both(Config config, const std::string& name, const Train& train) {
    config.train.dtype = GetParam();
    config.log.every_steps = 1;
    for (const DeviceChoice device : {DeviceChoice::cpu, DeviceChoice::cuda}) {
      config.train.device = device;
      config.train.output = path(name + (device == DeviceChoice::cpu ? "-cpu" : "-device"));
      train(config);
    }
  }

  /// The metric `key` of all steps agrees: ‖a − b‖ ≤ tolerance · ‖a‖.
  void expect_agreement(const std::string& name, const std::string& key) {
    const auto host = timeless_metrics(path(name + "-cpu")), device = timeless_metrics(path(name + "-device"));
    ASSERT_EQ(host.size(), device.size());
    double difference = 0, size = 0, count = 0;
    for (std::size_t i = 0; i < host.size(); ++i) {
      if (!host[i].contains(key)) continue;
      const double a = host[i].at(key), b = device[i].at(key);
      difference += (a - b) * (a - b);
      size += a * a;
      ++count;
    }
    ASSERT_GT(count, 0) << key;
    EXPECT_LE(std::sqrt(difference), tolerance() * std::sqrt(size)) << key;
  }
  /// Twelve roundings of bfloat16 (2⁻⁸): they differ between processors, and training carries them on.
  double tolerance() const { return GetParam() == DtypeChoice::float32 ? 1e-4 : 5e-2; }

  SftConfig twenty_steps() const {
    SftConfig config = sft_config("");
    config.train.max_steps = 20;
    config.data.eval_share = 0.3;
    config.eval.every_steps = 10;
    return config;
  }

  at::Device device_ = at::kCPU;
};

std::string dtype_name(const ::testing::TestParamInfo<DtypeChoice>& info) {
  return info.param == DtypeChoice::float32 ? "float32" : "bfloat16";
}
INSTANTIATE_TEST_SUITE_P(Dtypes, Stages, ::testing::Values(DtypeChoice::float32, DtypeChoice::bfloat16), dtype_name);

TEST_P(Stages, SftLossesAreTheCpus) {
  on_both(twenty_steps(), "sft", [](const SftConfig& c) { train_sft(c); });
  for (const char* key : {"loss", "eval_loss", "entropy", "grad_norm"}) expect_agreement("sft", key);
}

TEST_P(Stages, RewardModelLossesAreTheCpus) {
  SftConfig base = sft_config("base");
  base.train.max_steps = 1;
  train_sft(base);
  RewardModelConfig config = reward_config("base/final", "");
  config.train.max_steps = 20;
  config.data.eval_share = 0.3;
  config.eval.every_steps = 10;
  on_both(config, "rm", [](const RewardModelConfig& c) { train_reward_model(c); });
  for (const char* key : {"loss", "eval_loss"}) expect_agreement("rm", key);
  if (GetParam() != DtypeChoice::float32) return;  // the loss leaves the mean of the scores free: rounding moves it
  for (const char* key : {"mean_reward", "max_reward"}) expect_agreement("rm", key);
}

TEST_P(Stages, DpoLossesAreTheCpus) {
  SftConfig base = sft_config("base");
  base.train.max_steps = 20;
  train_sft(base);
  DpoConfig config = dpo_config("base/final", "");
  config.train.max_steps = 10;
  config.data.eval_share = 0.3;
  config.dpo.loss = PreferenceLoss::kto;
  on_both(config, "dpo", [](const DpoConfig& c) { train_dpo(c); });
  for (const char* key : {"loss", "eval_loss", "logps/chosen"}) expect_agreement("dpo", key);
}

TEST_P(Stages, PpoLossesAreTheCpus) {
  SftConfig base = sft_config("base");
  base.train.max_steps = 20;
  train_sft(base);
  train_reward_model(reward_config("base/final", "rm"));
  PpoConfig config = ppo_config("base/final", "rm/final", "");
  config.train.total_episodes = 160;
  config.rollout.temperature = 0.01;  // responses are the most likely ones, whatever the rounding
  config.data.eval = {path("prompts.jsonl")};
  config.model.offload = true;  // without effect on the CPU
  on_both(config, "ppo", [](const PpoConfig& c) { train_ppo(c); });
  expect_agreement("ppo", "loss/value_avg");
  if (GetParam() != DtypeChoice::float32) return;  // other rounding, other tokens
  for (const char* key : {"objective/scores", "eval_objective/scores"}) expect_agreement("ppo", key);
}

TEST_P(Stages, GreedyTokensAreTheCpus) {
  SftConfig base = sft_config("base");
  base.train.max_steps = 40;
  train_sft(base);
  const ModelFolder folder = read_model_folder(path("base/final"));
  const at::ScalarType dtype = GetParam() == DtypeChoice::float32 ? at::kFloat : at::kBFloat16;
  const std::vector<TokenIds> prompts = {{5, 6, 7}, {9}, {40, 41, 42, 43, 44, 45}, {9}};
  const auto answers = [&](at::Device device) {
    const auto model = load_causal_lm(folder, device, dtype, /*requires_grad=*/false);
    std::vector<GenerationRequest> requests;
    for (const TokenIds& prompt : prompts) requests.push_back({&prompt, requests.size()});
    std::vector<TokenIds> tokens;
    for (const Generation& answer : generate(*model, requests, {.max_new_tokens = 12, .temperature = 0}, 2))
      tokens.push_back(answer.tokens);
    return tokens;
  };
  EXPECT_EQ(answers(device_), answers(at::kCPU));
}

TEST_P(Stages, ResumeEndsWithTheSameBits) {
  SftConfig sft = sft_config("");
  sft.train.max_steps = 4;
  sft.train.dtype = GetParam();
  sft.train.device = DeviceChoice::cuda;
  expect_same_bits(sft, "sft", 4, [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); }, {"final"});
  RewardModelConfig reward = reward_config("sft-straight/final", "");
  reward.train.max_steps = 3;
  reward.train.dtype = GetParam();
  reward.train.device = DeviceChoice::cuda;
  expect_same_bits(reward, "rm", 3, [](const RewardModelConfig& c, const RunOptions& o) { train_reward_model(c, o); },
                   {"final"});
  PpoConfig ppo = ppo_config("sft-straight/final", "rm-straight/final", "");
  ppo.train.dtype = GetParam();
  ppo.train.device = DeviceChoice::cuda;
  expect_same_bits(ppo, "ppo", 4, [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); },
                   {"final", "final-value"});
}

TEST_P(Stages, EvaluationWithoutTrainingIsTheCpus) {
  train_sft(sft_config("base"));
  train_reward_model(reward_config("base/final", "rm"));
  const auto losses = [&](DeviceChoice device) {
    SftConfig sft = sft_config("");
    sft.model = {.path = path("base/final")};
    RewardModelConfig reward = reward_config("rm/final", "");
    sft.train.dtype = reward.train.dtype = GetParam();
    sft.train.device = reward.train.device = device;
    return std::pair(*train_sft(sft, {.eval_only = true}).evaluation->metrics.find("eval_loss"),
                     *train_reward_model(reward, {.eval_only = true}).evaluation->metrics.find("eval_loss"));
  };
  const auto host = losses(DeviceChoice::cpu), device = losses(DeviceChoice::cuda);
  EXPECT_NEAR(device.first, host.first, tolerance() * host.first);
  EXPECT_NEAR(device.second, host.second, tolerance() * host.second);
}

}  // namespace
}  // namespace rlhf
