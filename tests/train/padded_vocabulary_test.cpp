// Models whose embeddings have more rows than the tokenizer has tokens.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/io/safetensors.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kTokens = 269, kRows = 320;

/// Widens the embedding (and the head) of a folder to kRows. The new rows alternate between 1 and −1, so one of two has
/// a large logit whatever the hidden state is: without a rule, most sampled ids would be new ones.
void pad(const fs::path& folder) {
  NamedTensors tensors;
  {
    const SafetensorsFile file(folder / "model.safetensors");
    for (const auto& [name, entry] : file.entries()) {
      at::Tensor tensor = file.tensor(name);
      if (tensor.dim() == 2 && tensor.size(0) == kTokens) {
        at::Tensor rows = at::ones({kRows - kTokens, tensor.size(1)}, tensor.options());
        for (std::int64_t i = 0; i < rows.size(0); i += 2) rows[i].neg_();
        tensor = at::cat({tensor, rows});
      }
      tensors.emplace_back(name, tensor.clone());
    }
  }
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  nlohmann::ordered_json config = nlohmann::ordered_json::parse(std::ifstream(folder / "config.json"));
  config["vocab_size"] = kRows;
  std::ofstream(folder / "config.json") << config;
}

class PaddedVocabulary : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 1;
    train_sft(sft, {});
    RewardModelConfig reward = reward_config("sft/final", "rm");
    reward.train.max_steps = 1;
    train_reward_model(reward, {});
  }
};

TEST_F(PaddedVocabulary, ARewardModelWithMoreRowsThanThePolicyScoresIt) {
  pad(path("rm/final"));
  const RunSummary done = train_ppo(ppo_config("sft/final", "rm/final", "ppo"), {});
  EXPECT_EQ(done.steps, 4);
}

/// Notes the largest sampled id.
class Watch : public RewardSource {
 public:
  std::vector<float> score(const RewardRequest& request) override {
    largest = std::max(largest, request.rollout.tokens.max().item<std::int64_t>());
    std::vector<float> scores(request.responses.size());
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i % 3);
    return scores;
  }
  std::int64_t largest = -1;
};

// The run itself compares the log-probabilities of the sampler with those of the training path, and stops if they
// differ.
TEST_F(PaddedVocabulary, AnIdWithoutATokenIsNeverSampled) {
  pad(path("sft/final"));
  for (const double top_p : {1.0, 0.9}) {
    PpoConfig config = ppo_config("sft/final", "", top_p < 1 ? "ppo-top-p" : "ppo");
    config.rollout.top_p = top_p;
    config.rollout.allow_truncated_sampling = top_p < 1;
    Watch watch;
    EXPECT_EQ(train_ppo(config, {}, &watch).steps, 4);
    EXPECT_GE(watch.largest, 0);
    EXPECT_LT(watch.largest, kTokens);
  }
}

}  // namespace
}  // namespace rlhf
