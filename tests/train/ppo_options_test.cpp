// Options of PPO on models whose distributions are known: entropy bonus, warm-up of the value model, clipped scores,
// stop texts, evaluation prompts.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/train/policy_evaluation.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/sft.h"

#include "support/bandit.h"
#include "support/tensors.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::ArmReward;
using testing::Bandit;
using testing::bandit_config;
using testing::first_row;
using testing::table_of;
using testing::TableLm;

// E[r] − β·KL(π‖ref) + c·H(π) is largest for π ∝ exp((r + β·log ref) / (β + c)).
TEST(EntropyBonus, MovesTheOptimumOfTheBandit) {
  PpoConfig config = bandit_config(1024);
  config.ppo.entropy_coef = 0.4;
  Bandit bandit;
  PpoState state(bandit.models, config);
  for (std::int64_t i = 0; i < 150; ++i)
    ppo_step(bandit.models, state, bandit.prompts(1024), {}, config, 1 << 20, {i, 1.0 - static_cast<double>(i) / 150});
  const at::Tensor log_ref = at::log_softmax(first_row(), 0);
  const auto distance = [&](double entropy_coef) {
    const at::Tensor optimum = at::softmax(ArmReward::rewards().add(log_ref, 0.5).div(0.5 + entropy_coef), 0);
    return at::softmax(bandit.policy.table().detach().select(0, 0), 0).sub(optimum).abs().sum().item<double>() / 2;
  };
  EXPECT_LE(distance(0.4), 0.02);
  EXPECT_GT(distance(0.0), 0.05);  // so the line above can fail
}

// With a loss of 0 the gradient of −c·Σ H is left: c·n·p_v·(log p_v + H) at every logit, n the number of responses.
TEST(EntropyBonus, HasTheGradientOfTheEntropy) {
  Bandit bandit;
  const PpoConfig config = bandit_config(6);
  WorkCounters work;
  const Rollout rollout = collect_rollout(bandit.policy, bandit.prompts(6), config.rollout, {}, nullptr, {}, work);
  const auto nothing = [](const at::Tensor& logprobs, const at::Tensor&) { return logprobs.mul(0).sum(); };
  const at::Tensor entropy =
      backward_policy(bandit.policy, rollout, all_sequences(rollout), {1.0, 2}, nothing, work, -0.3);
  const at::Tensor log_p = at::log_softmax(first_row().to(at::kDouble), 0), p = log_p.exp();
  const double expected = -p.mul(log_p).sum().item<double>();
  EXPECT_NEAR(entropy.item<double>(), 6 * expected, 1e-5) << "returned without its weight";
  EXPECT_TRUE(testing::close(bandit.policy.table().grad().select(0, 0), p.mul(log_p.add(expected)).mul(0.3 * 6), 1e-5));
}

TEST(ValueWarmUp, TrainsOnlyTheValueModelAtFirst) {
  PpoConfig config = bandit_config(64);
  config.ppo.value_warmup_steps = 2;
  config.ppo.num_mini_batches = 2;
  config.ppo.kl_controller = KlControllerKind::adaptive;
  Bandit bandit;
  PpoState state(bandit.models, config);
  const at::Tensor before = bandit.policy.table().detach().clone();
  for (std::int64_t i = 0; i < 3; ++i) {
    const at::Tensor values = bandit.value.trunk().parameters()[0].value.detach().clone();
    const auto step = ppo_step(bandit.models, state, bandit.prompts(64), {}, config, 1 << 20, {i, 1.0});
    const bool warming_up = i < 2;
    EXPECT_EQ(bandit.policy.table().equal(before), warming_up) << i;
    EXPECT_FALSE(bandit.value.trunk().parameters()[0].value.equal(values)) << i;
    EXPECT_EQ(step->policy_updated, !warming_up);
    EXPECT_EQ(state.kl_coef == 0.5, warming_up) << "an untrained policy says nothing of the coefficient";
    const Metrics metrics = step->metrics();
    for (const char* name : {"policy/entropy_avg", "loss/policy_avg", "val/ratio", "rollout/logprob_diff", "lr"})
      EXPECT_EQ(metrics.find(name) == nullptr, warming_up) << name;
    EXPECT_NE(metrics.find("loss/value_avg"), nullptr);
  }
}

TEST(ClipRange, HoldsScoresAndCountsThoseOutside) {
  PpoConfig config = bandit_config(256);
  config.reward.clip_range = {-0.25, 0.5};
  Bandit bandit;
  WorkCounters work;
  const auto prompts = bandit.prompts(256);
  const Rollout rollout = collect_rollout(bandit.policy, prompts, config.rollout, {}, nullptr, {}, work);
  const auto responses = read_responses(rollout, prompts, nullptr);
  const Scores scores = score_responses(bandit.reward, rollout, responses, config.reward, work);
  const at::Tensor expected = at::tensor({0.0, 0.5, 0.3, 0.5, -0.25}, at::kFloat).index_select(0, rollout.tokens);
  EXPECT_TRUE(scores.values.equal(expected));
  const std::int64_t inside =
      rollout.tokens.eq(0).sum().item<std::int64_t>() + rollout.tokens.eq(2).sum().item<std::int64_t>();
  EXPECT_EQ(scores.clipped, 256 - inside);
  config.reward.missing_eos = MissingEos::replace;  // by −1, before the clipping
  EXPECT_TRUE(
      score_responses(bandit.reward, rollout, responses, config.reward, work).values.equal(at::ones({256}).mul(-0.25)));
  config.reward.clip_range = {0, 0};
  EXPECT_EQ(score_responses(bandit.reward, rollout, responses, config.reward, work).clipped, std::nullopt);
}

// Expectations under the policy, known exactly; 3000 responses (46 batches of 64 and one of 56).
TEST(PolicyEvaluation, AgreesWithTheExpectations) {
  Bandit bandit;
  TableLm policy(table_of(at::tensor({0.1, 0.9, 0.0, -0.4, 0.2}, at::kFloat)));
  const TokenIds stop_ids = {3};
  const EvaluatedModels models{policy, bandit.reference, bandit.reward, stop_ids};
  const PpoConfig config = bandit_config(64);
  const auto found = evaluate_policy(models, bandit.prompts(3000), config.rollout, config.reward, 0.5, 1, 1 << 20);
  const at::Tensor log_p = at::log_softmax(policy.table().detach().select(0, 0), 0), p = log_p.exp();
  const at::Tensor ratio = log_p.sub(at::log_softmax(first_row(), 0));
  const auto expect_mean = [&](double mean, const at::Tensor& values, const char* name) {
    const double expected = p.mul(values).sum().item<double>();
    const double deviation = std::sqrt(p.mul(values.sub(expected).square()).sum().item<double>());
    EXPECT_NEAR(mean, expected, 4 * deviation / std::sqrt(3000)) << name;
  };
  expect_mean(found->score, ArmReward::rewards(), "score");
  expect_mean(found->kl, ratio, "kl");
  expect_mean(found->ended, at::tensor({0.0, 0.0, 0.0, 1.0, 0.0}, at::kFloat), "ended");
  EXPECT_EQ(found->length, 1);
  EXPECT_NEAR(*found->metrics().find("objective/rlhf_reward"), found->score - 0.5 * found->kl, 1e-12);

  const auto again = evaluate_policy(models, bandit.prompts(3000), config.rollout, config.reward, 0.5, 1, 1 << 20);
  EXPECT_EQ(again->score, found->score) << "every evaluation has the same random numbers";
  WorkCounters work;
  const Rollout trained =
      collect_rollout(policy, bandit.prompts(64), config.rollout, stop_ids, nullptr, {.seed = 1}, work);
  const Rollout evaluated = collect_rollout(policy, bandit.prompts(64), config.rollout, stop_ids, nullptr,
                                            {.seed = 1, .purpose = RolloutPurpose::evaluation}, work);
  EXPECT_FALSE(trained.tokens.equal(evaluated.tokens)) << "and training has others";
}

// Scores of 500 and 700, which training would scale by their standard deviation and clip to [−1, 1].
TEST(PolicyEvaluation, NeitherScalesNorClipsWithRewardScaling) {
  Bandit bandit;
  const TokenIds stop_ids = {3};
  const auto reward = reward_from_function([](const ResponseRecord&) { return 700.0F; });
  const EvaluatedModels models{bandit.reference, bandit.reference, *reward, stop_ids};
  PpoConfig config = bandit_config(64);
  config.reward.missing_eos = MissingEos::none;
  config.reward.clip_range = {-1, 1};
  const auto score = [&] {
    return evaluate_policy(models, bandit.prompts(8), config.rollout, config.reward, 0.5, 1, 1 << 20)->score;
  };
  EXPECT_EQ(score(), 1);
  for (const RewardScaling scaling : {RewardScaling::running_std, RewardScaling::running_mean_std}) {
    config.reward.scaling = scaling;
    EXPECT_EQ(score(), 700);
  }
}

// Scores of 0 and 4 have the standard deviation 2, in the last batch of 20 responses too.
TEST(PolicyEvaluation, HasTheSpreadOfAnEnsemble) {
  Bandit bandit;
  const TokenIds stop_ids = {3};
  const auto constant = [](float score) { return reward_from_function([=](const ResponseRecord&) { return score; }); };
  std::vector<std::unique_ptr<RewardSource>> members;
  members.push_back(constant(0));
  members.push_back(constant(4));
  const auto ensemble = reward_from_ensemble(std::move(members), 0);
  const EvaluatedModels models{bandit.reference, bandit.reference, *ensemble, stop_ids};
  PpoConfig config = bandit_config(64);
  config.reward.missing_eos = MissingEos::none;
  const auto found = evaluate_policy(models, bandit.prompts(84), config.rollout, config.reward, 0.5, 1, 1 << 20);
  EXPECT_DOUBLE_EQ(*found->metrics().find("objective/scores_spread"), 2);
  const EvaluatedModels one{bandit.reference, bandit.reference, bandit.reward, stop_ids};
  const auto single = evaluate_policy(one, bandit.prompts(8), config.rollout, config.reward, 0.5, 1, 1 << 20);
  EXPECT_FALSE(single->metrics().find("objective/scores_spread"));
}

TEST(MissingEos, ReplacesOrLowersTheScoreOfAResponseThatDidNotEnd) {
  const TokenIds prompt = {0};
  const std::vector<const TokenIds*> prompts(2, &prompt);
  const std::vector<Generation> generations = {{.tokens = {1}, .logprobs = {-1}, .finish = Finish::stop},
                                               {.tokens = {1}, .logprobs = {-1}, .finish = Finish::length}};
  const Rollout rollout = make_rollout(prompts, generations, at::kCPU);
  const auto reward = reward_from_function([](const ResponseRecord&) { return 5.0F; });
  WorkCounters work;
  const std::vector<ResponseRecord> responses = {{"", "", "{}", Finish::stop}, {"", "", "{}", Finish::length}};
  const auto scores = [&](MissingEos rule, double value) {
    return score_responses(*reward, rollout, responses, {.missing_eos = rule, .missing_eos_value = value}, work).values;
  };
  EXPECT_TRUE(testing::close(scores(MissingEos::replace, -1), testing::f32({5, -1}), 0));
  EXPECT_TRUE(testing::close(scores(MissingEos::subtract, 2), testing::f32({5, 3}), 0));
  EXPECT_TRUE(testing::close(scores(MissingEos::subtract, -2), testing::f32({5, 3}), 0)) << "its absolute value";
  EXPECT_TRUE(testing::close(scores(MissingEos::none, -1), testing::f32({5, 5}), 0));
}

class PpoOptionsRun : public testing::TinyRun {};

TEST_F(PpoOptionsRun, AStopTextEndsResponsesAndCountsAsAnEnd) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.rollout.max_new_tokens = 12;
  config.rollout.batch_size = 64;
  config.ppo.num_ppo_epochs = 1;
  config.train.total_episodes = 64;
  config.rollout.stop = {"1", "+2"};
  config.reward.missing_eos_value = -7;
  const auto one = reward_from_function([](const ResponseRecord&) { return 1.0F; });
  train_ppo(config, {}, one.get());
  std::ifstream file(path("ppo/samples.jsonl"));
  int stopped = 0, ended = 0;
  for (std::string line; std::getline(file, line);) {
    const auto sample = nlohmann::json::parse(line);
    const std::string response = sample["response"];
    const bool has_stop = response.find('1') != std::string::npos || response.find("+2") != std::string::npos;
    stopped += has_stop;
    ended += sample["finish"] == "stop";
    if (!has_stop) continue;
    EXPECT_EQ(sample["finish"], "stop") << response;
    EXPECT_EQ(sample["score"], 1.0) << response;
    const std::size_t end = std::min(response.find('1'), response.find("+2"));
    EXPECT_LE(response.size() - end, 4U) << response << ": it ends with the token that completes the text";
  }
  EXPECT_GT(stopped, 0);
  const auto metrics = testing::timeless_metrics(path("ppo")).front();
  EXPECT_EQ(metrics["val/num_eos_tokens"], ended);
  EXPECT_DOUBLE_EQ(metrics["rollout/ended"].get<double>(), ended / 64.0);
}

TEST_F(PpoOptionsRun, EvaluatesOnPromptsOfItsOwnAndKeepsTheBest) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  std::ofstream(path("held-out.jsonl")) << R"({"prompt":"9+9="})"
                                        << "\n";
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.data.eval = {path("held-out.jsonl")};
  config.eval.every_steps = 2;
  std::vector<std::string> scored;
  const auto reward = reward_from_function([&](const ResponseRecord& sampled) {
    scored.push_back(sampled.prompt);
    return static_cast<float>(sampled.response.size());
  });
  train_ppo(config, {}, reward.get());
  EXPECT_EQ(std::count(scored.begin(), scored.end(), "9+9="), 3);  // before the first rollout, after 2 and 4 of 4
  std::vector<std::int64_t> steps;
  for (const auto& line : testing::timeless_metrics(path("ppo")))
    if (line.contains("eval_objective/scores")) steps.push_back(line["step"]);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 2, 4}));
  EXPECT_TRUE(testing::fs::exists(path("ppo/best/model.safetensors")));
  EXPECT_TRUE(testing::fs::exists(path("ppo/best-value/model.safetensors")));
}

TEST_F(PpoOptionsRun, APromptToEvaluateOnThatIsTooLongIsRefusedAtTheStart) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  std::ofstream(path("held-out.jsonl")) << nlohmann::json{{"prompt", std::string(300, '9')}} << "\n";
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.data.eval = {path("held-out.jsonl")};
  const auto reward = reward_from_function([](const ResponseRecord&) { return 0.0F; });
  EXPECT_THROW(train_ppo(config, {}, reward.get()), ModelError);
  EXPECT_FALSE(testing::fs::exists(path("ppo")));
}

}  // namespace
}  // namespace rlhf
