// Answers of two tokens, whose KL-regularised optimum is computed exactly.
#include <cmath>
#include <memory>
#include <vector>

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/algo/lr_schedule.h"
#include "rlhf/train/ppo.h"

#include "support/table_lm.h"

namespace rlhf {
namespace {

using testing::TableLm;

constexpr double kBeta = 0.5;

/// Row 0 has the logits of the first token, row y those of the second one after y. Token 0 is the prompt, and cannot be
/// sampled.
at::Tensor reference_table() {
  const double never = -40;
  return at::tensor({never, 0.6, -0.4, 0.0,   //
                     never, 0.5, 0.0, -0.7,   //
                     never, -0.3, 0.8, 0.1,   //
                     never, 0.2, -0.6, 0.4},  //
                    at::kFloat)
      .view({4, 4});
}

/// The reward of (y₁, y₂): that of the first token depends on the second one, and the second that is best alone (1) is
/// bad after the first that is most likely (1).
at::Tensor rewards() {
  return at::tensor({-0.5, 0.2, 0.4,  //
                     1.0, 0.1, -0.2,  //
                     0.3, 0.9, -0.6},
                    at::kFloat)
      .view({3, 3});
}

class PairReward : public RewardSource {
 public:
  std::vector<float> score(const RewardRequest& request) override {
    const at::Tensor answers = request.rollout.tokens.view({-1, 2}).sub(1);
    const at::Tensor scores =
        rewards().view({-1}).index_select(0, answers.select(1, 0).mul(3).add(answers.select(1, 1)));
    return {scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + scores.numel()};
  }
};

/// The log-probabilities of the nine answers under the policy of a table.
at::Tensor answer_logprobs(const at::Tensor& table) {
  const at::Tensor log_p = at::log_softmax(table.detach().to(at::kDouble), 1).slice(1, 1);
  return log_p.slice(0, 1).add(log_p[0].unsqueeze(1)).flatten();
}

/// π(y₁, y₂) ∝ π_ref(y₁, y₂)·exp(r/β), which maximises E r − β·KL over whole answers.
at::Tensor chain_optimum() {
  return at::softmax(answer_logprobs(reference_table()).add(rewards().flatten().div(kBeta)), 0);
}

PpoConfig chain_config(AdvantageKind advantage) {
  PpoConfig config;
  config.rollout = {
      .batch_size = 1024, .num_samples_per_prompt = compares_samples(advantage) ? 64 : 1, .max_new_tokens = 2};
  config.reward.missing_eos = MissingEos::none;
  config.ppo.advantage = advantage;
  config.ppo.kl_coef = kBeta;
  config.ppo.whiten_advantages = false;
  config.ppo.num_ppo_epochs = 1;
  config.train.total_episodes = 200 * 1024;
  config.optimizer = {.lr = 0.04, .max_grad_norm = 0};
  config.value_optimizer = {.lr = 0.1, .max_grad_norm = 0};
  return config;
}

/// The total variation of the nine answers to the optimum after training.
double chain_distance(const PpoConfig& config) {
  TableLm policy(reference_table()), reference(reference_table());
  ScalarModel value(std::make_unique<TableLm>(at::zeros({4, 4})), at::ones({1, 4}), 0.0);
  PairReward reward;
  PpoModels models{policy, reference, config.ppo.has_value_model() ? &value : nullptr, reward};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(1024, &prompt);
  const std::int64_t rollouts = config.train.total_episodes / config.rollout.batch_size;
  for (std::int64_t i = 0; i < rollouts; ++i)
    ppo_step(models, state, prompts, {}, config, 1 << 20,
             {i, lr_factor(config.lr_schedule.kind, i, rollouts, 0, config.lr_schedule.min_share)});
  return answer_logprobs(policy.table()).exp().sub(chain_optimum()).abs().sum().item<double>() / 2;
}

TEST(TwoStepChain, EveryAdvantageReachesTheOptimumOfWholeAnswers) {
  for (const AdvantageKind kind : {AdvantageKind::gae, AdvantageKind::rloo, AdvantageKind::grpo, AdvantageKind::dr_grpo,
                                   AdvantageKind::reinforce_plus_plus})
    EXPECT_LE(chain_distance(chain_config(kind)), 0.02) << static_cast<int>(kind);
}

// A discount hides from the first token what the second one earns: its optimum is another.
TEST(TwoStepChain, WithADiscountTheOptimumIsAnother) {
  PpoConfig config = chain_config(AdvantageKind::reinforce_plus_plus);
  config.ppo.gamma = 0.3;
  EXPECT_GT(chain_distance(config), 0.05);  // so that the test above can fail
}

}  // namespace
}  // namespace rlhf
