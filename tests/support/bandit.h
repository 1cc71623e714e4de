#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "rlhf/train/ppo.h"

#include "support/table_lm.h"

namespace rlhf::testing {

/// The logits of the arms under the initial policy.
inline const at::Tensor& first_row() {
  static const at::Tensor logits = at::tensor({0.8, -0.5, 0.1, -1.0, 0.4}, at::kFloat);
  return logits;
}
inline at::Tensor table_of(const at::Tensor& row) {
  at::Tensor table = at::zeros({5, 5});
  table.select(0, 0).copy_(row);
  return table;
}

/// One response token, whose reward is a fixed number: 0, 1, 0.3, 0.9, −0.5.
class ArmReward : public RewardSource {
 public:
  static at::Tensor rewards() { return at::tensor({0.0, 1.0, 0.3, 0.9, -0.5}, at::kFloat); }
  std::vector<float> score(const RewardRequest& request) override {
    const at::Tensor scores = rewards().index_select(0, request.rollout.tokens).contiguous();
    return {scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel()};
  }
};

/// The models of a bandit with five arms, and one prompt.
struct Bandit {
  TableLm policy{table_of(first_row())}, reference{table_of(first_row())};
  ScalarModel value{std::make_unique<TableLm>(at::zeros({5, 5})), at::ones({1, 5}), 0.0};
  ArmReward reward;
  PpoModels models{policy, reference, &value, reward};
  PromptSample prompt{{0}, "", "{}"};

  std::vector<const PromptSample*> prompts(std::size_t count) const { return {count, &prompt}; }
};

inline PpoConfig bandit_config(std::int64_t batch_size) {
  PpoConfig config;
  config.rollout = {.batch_size = batch_size, .max_new_tokens = 1};
  config.reward.missing_eos = MissingEos::none;
  config.ppo.kl_coef = 0.5;
  config.ppo.whiten_advantages = false;
  config.optimizer = {.lr = 0.03, .max_grad_norm = 0};
  config.value_optimizer = {.lr = 0.05, .max_grad_norm = 0};
  return config;
}

}  // namespace rlhf::testing
