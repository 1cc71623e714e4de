#include <cmath>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include "rlhf/io/safetensors.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;
using testing::TinyRun;

/// ‖a − b‖ / ‖b‖ over all weights of two model folders.
double weight_distance(const std::string& a, const std::string& b) {
  const SafetensorsFile left(a + "/model.safetensors"), right(b + "/model.safetensors");
  double difference = 0, norm = 0;
  for (const auto& [name, entry] : right.entries()) {
    const at::Tensor reference = right.tensor(name).to(at::kDouble);
    difference += left.tensor(name).to(at::kDouble).sub(reference).square().sum().item<double>();
    norm += reference.square().sum().item<double>();
  }
  return std::sqrt(difference / norm);
}

class Learning : public TinyRun {};

TEST_F(Learning, AtRateZeroAFloat32ModelComesBackAsItWasFromBfloat16) {
  SftConfig config = sft_config("made");
  config.train.max_steps = 2;
  train_sft(config);
  config = sft_config("still");
  config.model = {.path = path("made/final")};
  config.train.max_steps = 2;
  config.train.dtype = DtypeChoice::bfloat16;
  config.optimizer.lr = 0;
  train_sft(config);
  EXPECT_EQ(weight_distance(path("still/final"), path("made/final")), 0);
}

TEST_F(Learning, SftMakesAMissingHeadAndTrainsIt) {
  SftConfig config = sft_config("made");
  config.train.max_steps = 1;
  train_sft(config);
  const std::string file = path("made/final/config.json");
  auto json = nlohmann::ordered_json::parse(testing::bytes_of(file));
  json["tie_word_embeddings"] = false;  // the file has the shared matrix only
  std::ofstream(file) << json;

  config = sft_config("sft");
  config.model = {.path = path("made/final")};
  config.train.batch_size = 20;
  config.train.max_steps = 100;
  config.lr_schedule.kind = LrScheduleKind::constant;
  EXPECT_THROW(train_sft(config), ModelError);
  config.model.allow_missing_head = true;
  train_sft(config);
  const auto lines = timeless_metrics(path("sft"));
  EXPECT_NEAR(lines.front()["loss"].get<double>(), std::log(269.0), 0.2);
  EXPECT_LT(lines.back()["loss"].get<double>(), 1.0);
  EXPECT_TRUE(SafetensorsFile(path("sft/final/model.safetensors")).entries().contains("lm_head.weight"));
}

TEST_F(Learning, SftMemorisesOneBatch) {
  SftConfig config = sft_config("sft");
  config.train.batch_size = 20;
  config.train.max_steps = 400;
  config.lr_schedule.kind = LrScheduleKind::constant;
  train_sft(config);
  const auto lines = timeless_metrics(path("sft"));
  // An untrained model spreads over 269 ids: ln 269 = 5.6 nats.
  EXPECT_NEAR(lines.front()["loss"].get<double>(), std::log(269.0), 0.2);
  EXPECT_LT(lines.back()["loss"].get<double>(), 0.02);
  EXPECT_EQ(lines.back()["mean_token_accuracy"].get<double>(), 1.0);
}

TEST_F(Learning, RewardModelMemorisesOneBatch) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  RewardModelConfig config = reward_config("sft/final", "rm");
  config.train.batch_size = 20;
  config.train.max_steps = 120;
  config.lr_schedule.kind = LrScheduleKind::constant;
  train_reward_model(config);
  const auto lines = timeless_metrics(path("rm"));
  EXPECT_NEAR(lines.front()["loss"].get<double>(), std::log(2.0), 0.1);  // a fresh head can't tell the two apart
  EXPECT_LT(lines.back()["loss"].get<double>(), 0.05);
  EXPECT_EQ(lines.back()["accuracy"].get<double>(), 1.0);
}

TEST_F(Learning, ManyMicroBatchesEqualOne) {
  SftConfig config = sft_config("one");
  config.train.max_steps = 5;
  config.train.micro_batch_tokens = 4096;
  train_sft(config);
  config.train.output = path("many");
  config.train.micro_batch_tokens = 8;  // one sequence of 7 tokens each: 8 micro-batches
  config.data.max_length = 8;
  train_sft(config);
  EXPECT_LT(weight_distance(path("many/final"), path("one/final")), 1e-5);
  // AdamW forgives a constant factor on the gradient; its norm does not.
  const auto one = timeless_metrics(path("one")), many = timeless_metrics(path("many"));
  for (const char* name : {"loss", "grad_norm"})
    EXPECT_NEAR(one[0][name].get<double>(), many[0][name].get<double>(), 1e-5) << name;
}

TEST_F(Learning, PpoLearnsWhatAFunctionRewards) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 100;
  train_sft(sft);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.rollout.batch_size = 32;
  config.rollout.max_new_tokens = 2;
  config.train.total_episodes = 60 * 32;
  config.optimizer.lr = 3e-3;
  config.value_optimizer.lr = 1e-2;
  config.reward.missing_eos = MissingEos::none;
  config.ppo.kl_coef = 0.01;
  const auto sevens = reward_from_function(
      [](const ResponseRecord& sampled) { return sampled.response.find('7') == std::string::npos ? 0.0f : 1.0f; });
  train_ppo(config, {}, sevens.get());
  const auto lines = timeless_metrics(path("ppo"));
  EXPECT_LT(lines.front()["objective/scores"].get<double>(), 0.5);
  double late = 0;  // mean of the last ten rollouts: one alone is 32 answers
  for (auto line = lines.rbegin(); line != lines.rbegin() + 10; ++line)
    late += (*line)["objective/scores"].get<double>();
  EXPECT_GT(late / 10, 0.85);
  EXPECT_GT(lines.back()["objective/kl"].get<double>(), 0.0);
  for (const auto& line : lines) EXPECT_LT(line["rollout/logprob_diff"].get<double>(), 1e-5);  // sampled = recomputed
}

}  // namespace
}  // namespace rlhf
