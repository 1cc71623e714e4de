// rlhf-ppo with several processes.
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::timeless_metrics;

struct Variant {
  const char* name;
  std::function<void(PpoConfig&, const std::function<std::string(const std::string&)>& path)> change;
};

class PpoRanks : public testing::TinyRun, public ::testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 30;
    train("rlhf-sft", sft);
    for (const std::string name : {"rm", "other"}) {
      RewardModelConfig reward = reward_config("sft/final", name);
      reward.train.max_steps = 8;
      reward.train.seed = name == "rm" ? 1 : 2;
      train("rlhf-rm", reward);
    }
  }

  template <typename Config>
  void train(const std::string& tool, const Config& config) const {
    std::ofstream(path("config.yaml")) << to_yaml(config);
    const ProgramResult result = run_program(bin_dir() + "/" + tool + " --config " + path("config.yaml"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  ProgramResult run(const PpoConfig& config, const std::string& output, const std::string& flags) const {
    std::ofstream(path("ppo.yaml")) << to_yaml(config);
    return run_program(bin_dir() + "/rlhf-ppo --config " + path("ppo.yaml") + " train.output=" + path(output) + " " +
                       flags);
  }

  PpoConfig config() const {
    PpoConfig config = ppo_config("sft/final", "rm/final", "");
    config.train.threads = 1;
    config.train.total_episodes = 48;
    config.log.tensorboard = false;
    config.rollout.max_new_tokens = 8;
    return config;
  }

  void expect_same_run(const std::string& expected, const std::string& found) const {
    const auto a = timeless_metrics(path(expected)), b = timeless_metrics(path(found));
    ASSERT_EQ(a.size(), b.size());
    ASSERT_GE(a.size(), 6U);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].size(), b[i].size()) << a[i] << b[i];
      for (const auto& [name, value] : a[i].items()) {
        const double wanted = value.get<double>(), is = b[i].at(name).get<double>();
        // Sums of whole responses, and norms of gradients, have larger values than the losses.
        EXPECT_NEAR(is, wanted, 1e-5 * std::max(1.0, 10 * std::abs(wanted))) << name << " in line " << i;
      }
    }
  }
};

TEST_P(PpoRanks, AreTheSameRunAsOneProcess) {
  PpoConfig changed = config();
  GetParam().change(changed, [this](const std::string& name) { return path(name); });
  const ProgramResult one = run(changed, "one", "");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  for (const std::string count : {"2", "4"}) {
    changed.train.shard = count == "4" ? Sharding::gradients : Sharding::parameters;
    const ProgramResult result = run(changed, "ranks" + count, "--ranks " + count);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    expect_same_run("one", "ranks" + count);
    std::ifstream expected(path("one/samples.jsonl")), found(path("ranks" + count + "/samples.jsonl"));
    for (std::string a, b; std::getline(expected, a);) {
      ASSERT_TRUE(std::getline(found, b));
      EXPECT_EQ(nlohmann::json::parse(a).at("response"), nlohmann::json::parse(b).at("response"));
    }
  }
}

void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }
std::string name_of(const ::testing::TestParamInfo<Variant>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Of, PpoRanks,
                         ::testing::Values(Variant{"ppo",
                                                   [](PpoConfig& config, const auto& path) {
                                                     config.ppo.whiten_rewards = true;
                                                     config.ppo.kl_controller = KlControllerKind::adaptive;
                                                     config.data.eval = {path("prompts.jsonl")};
                                                     config.model.eval_reward = path("other/final");
                                                   }},
                                           Variant{"ppo_with_everything",
                                                   [](PpoConfig& config, const auto& path) {
                                                     config.model.reward_ensemble = {path("other/final")};
                                                     config.reward.spread_penalty = 0.5;
                                                     config.reward.scaling = RewardScaling::running_mean_std;
                                                     config.reward.clip_range = {-2, 2};
                                                     config.ppo.score_position = ScorePosition::after_eos;
                                                     config.ppo.ptx_coef = 0.1;
                                                     config.ppo.target_kl = 0.02;
                                                     config.ppo.vf_coef = 0.5;
                                                     config.ppo.entropy_coef = 0.01;
                                                     config.data.ptx = {path("demonstrations.jsonl")};
                                                   }},
                                           Variant{
                                               "grpo",
                                               [](PpoConfig& config, const auto&) {
                                                 config.ppo.advantage = AdvantageKind::grpo;
                                                 config.ppo.kl_in = KlPlace::loss;
                                                 config.ppo.kl_estimator = KlEstimator::k3;
                                                 config.rollout.num_samples_per_prompt = 4;
                                                 config.rollout.refill_equal_groups = 2;
                                                 config.reward.terms = {
                                                     {.name = "digit", .check = RewardCheck::regex, .pattern = "[0-9]"},
                                                     {.name = "one", .command = {"sed", "-u", "s/.*/1/"}}};
                                               }},
                                           // Two responses for four ranks, one for each mini-batch.
                                           Variant{"few_responses",
                                                   [](PpoConfig& config, const auto&) {
                                                     config.rollout.batch_size = 2;
                                                     config.train.total_episodes = 16;
                                                   }}),
                         name_of);

class PpoRanksRun : public PpoRanks {};

TEST_F(PpoRanksRun, HaveTheSameBitsEveryTimeAndAfterAResume) {
  PpoConfig plain = config();
  plain.checkpoint.every_steps = 2;
  plain.lr_schedule.kind = LrScheduleKind::constant;
  ASSERT_EQ(run(plain, "straight", "--ranks 2").exit_code, 0);
  ASSERT_EQ(run(plain, "resumed", "--ranks 2 train.total_episodes=32").exit_code, 0);
  const ProgramResult resumed = run(plain, "resumed", "--ranks 2 --resume");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(timeless_metrics(path("straight")), timeless_metrics(path("resumed")));
  for (const std::string file : {"/final/model.safetensors", "/final-value/model.safetensors"})
    EXPECT_EQ(bytes_of(path("straight" + file)), bytes_of(path("resumed" + file))) << file;
  const ProgramResult other = run(plain, "fewer", "--ranks 4 train.shard=parameters train.total_episodes=32");
  ASSERT_EQ(other.exit_code, 0) << other.err;
  ASSERT_EQ(run(plain, "fewer", "--ranks 2 --resume").exit_code, 0);
  expect_same_run("straight", "fewer");
  for (const std::string name : {"policy.rank0", "policy.rank3", "value.rank0"})
    EXPECT_TRUE(fs::exists(path("fewer/checkpoints/step-000004/" + name + ".safetensors"))) << name;
}

}  // namespace
}  // namespace rlhf
