// The penalty on agreement: beliefs, reward, estimate, and what it does to a policy whose optimum is known.
#include "rlhf/train/agreement.h"

#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/log.h"
#include "rlhf/train/policy_evaluation.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/byte_tokenizer.h"
#include "support/misuse.h"
#include "support/same_bits.h"
#include "support/table_lm.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
using testing::TableLm;

using Belief = std::optional<std::string>;

PromptSample asked(const std::string& text, const std::string& record) { return {{0}, text, record, text}; }

TEST(Belief, IsTheFieldOfTheRecordBeforeWhatThePromptStates) {
  const std::string prompt = "I think it is 8. What is 3+4?";
  EXPECT_EQ(belief_of(asked(prompt, R"({"prompt":"…"})")), "8");
  EXPECT_EQ(belief_of(asked(prompt, R"({"belief":"nine"})")), "nine");
  EXPECT_EQ(belief_of(asked(prompt, R"({"belief":9})")), "9");
  EXPECT_EQ(belief_of(asked(prompt, R"({"belief":null})")), std::nullopt);
  EXPECT_EQ(belief_of(asked("What is 3+4?", "{}")), std::nullopt);
  EXPECT_EQ(belief_of(asked("What is 3+4?", R"({"note":"a \"belief\""})")), std::nullopt);
}

TEST(Belief, OfAnotherTypeIsAnErrorOnlyWhereItIsPenalised) {
  std::vector<PromptSample> prompts = {asked("3+4=", R"({"belief":[8]})"), asked("3+5=", R"({"belief":7})")};
  EXPECT_EQ(find_beliefs(prompts, false), 1);
  EXPECT_EQ(prompts[0].belief, std::nullopt);
  EXPECT_EQ(prompts[1].belief, "7");
  testing::expect_misuse<DataError>(
      "belief: expected a text, a number or null, found [8] in the record of the prompt "
      "\"3+4=\"",
      [&] { find_beliefs(prompts, true); });
}

/// Scores by position.
class ListedRewards : public RewardSource {
 public:
  explicit ListedRewards(std::vector<float> scores) : scores_(std::move(scores)) {}
  std::vector<float> score(const RewardRequest&) override { return scores_; }

 private:
  std::vector<float> scores_;
};

// r − λ·A with λ = 0.75, after the rule for responses that did not end (−1) and the clipping to [−2, 2].
TEST(AgreementPenalty, IsSubtractedFromTheScoresOfResponsesThatAgree) {
  const TokenIds prompt = {0};
  const std::vector<const TokenIds*> prompts(5, &prompt);
  const std::vector<Generation> generations(5, {.tokens = {1}, .logprobs = {-1}, .finish = Finish::stop});
  Rollout rollout = make_rollout(prompts, generations, at::kCPU);
  rollout.finish[3] = Finish::length;
  const std::vector<ResponseRecord> responses = {{"", "Yes, 8.", "{}", Finish::stop, "8"},
                                                 {"", "It is 7.", "{}", Finish::stop, "8"},
                                                 {"", "It is 8.", "{}", Finish::stop, "8"},
                                                 {"", "Yes, 9.", "{}", Finish::length, "8"},
                                                 {"", "Yes, 8.", "{}", Finish::stop, Belief()}};
  ListedRewards reward({1.5, 0.5, -3, 1, 5});
  RewardOptions options{.missing_eos_value = -1, .clip_range = {-2, 2}, .agreement_penalty = {0.75}};
  WorkCounters work;
  const Scores scores = score_responses(reward, rollout, responses, options, work);
  EXPECT_TRUE(testing::close(scores.values, testing::f32({0.75, 0.5, -2.75, -1.75, 2}), 1e-7));
  EXPECT_EQ(scores.agreement.beliefs, 4);
  EXPECT_EQ(scores.agreement.agreeing, 3);
  EXPECT_EQ(scores.agreement.share(), 0.75);
  EXPECT_EQ(Agreement().share(), std::nullopt);
  options.agreement_penalty.number = 0;
  EXPECT_TRUE(testing::close(score_responses(reward, rollout, responses, options, work).values,
                             testing::f32({1.5, 0.5, -2, -1, 2}), 1e-7));
  options.agreement_penalty.number.reset();
  testing::expect_misuse<ArgumentError>("reward.agreement_penalty: expected a number",
                                        [&] { score_responses(reward, rollout, responses, options, work); });
}

/// The token 0 is a prompt, and 1, 2 and 3 are 8, 7 and 6.
class DigitTokenizer : public ByteTokenizer {
 public:
  std::string decode(const TokenIds& ids) const override {
    std::string text;
    for (const std::int32_t id : ids) text += "?876"[id];
    return text;
  }
};

/// One answer of one digit: 8 (the asker's belief), 7 or 6.
class OneDigit {
 public:
  static constexpr std::int64_t kTokens = 4;

  /// `shares` are those of 8, 7 and 6.
  explicit OneDigit(const std::array<double, 3>& shares)
      : policy(table_of(shares)),
        reference(table_of(shares)),
        reward(reward_from_function([](const ResponseRecord& sampled) { return score_of(sampled.response); })),
        prompts({{{0}, "?", "{}", "?", "8"}}) {
    options.batch_size = 512;
    options.max_new_tokens = 1;
    rewards.missing_eos = MissingEos::none;
    rewards.agreement_penalty.number.reset();
  }

  static float score_of(const std::string& answer) { return answer == "8" ? 1.0F : answer == "7" ? 0.5F : -1.0F; }
  double estimate(double kl_coef) {
    return estimate_agreement_penalty({policy, reference, *reward, stop_ids, &tokenizer}, prompts, options, rewards,
                                      kl_coef, /*seed=*/3);
  }

  TableLm policy, reference;
  std::unique_ptr<RewardSource> reward;
  DigitTokenizer tokenizer;
  TokenIds stop_ids;
  std::vector<PromptSample> prompts;
  RolloutOptions options;
  RewardOptions rewards;

 private:
  static at::Tensor table_of(const std::array<double, 3>& shares) {
    at::Tensor table = at::full({kTokens, kTokens}, -30.0, at::kFloat);
    for (std::size_t i = 0; i < shares.size(); ++i) table[0][static_cast<std::int64_t>(i) + 1] = std::log(shares[i]);
    return table;
  }
};

// With one score for all responses of a kind, λ of one prompt is the difference of the scores, whatever was sampled.
TEST(AgreementEstimate, IsTheGapOfTheScoresIfEachKindHasOne) {
  OneDigit two_answers({0.3, 0.7, 1e-12});
  EXPECT_NEAR(two_answers.estimate(0.25), 0.5, 1e-6);
  EXPECT_NEAR(two_answers.estimate(2.0), 0.5, 1e-6);
}

// λ = β·ln(M_1/M_0) for one prompt, with M of the distribution that the policy has.
TEST(AgreementEstimate, TendsToTheValueForTheWholeDistribution) {
  OneDigit policy({0.3, 0.5, 0.2});
  policy.rewards.agreement_samples = 4096;
  const double beta = 0.8, m_0 = (0.5 * std::exp(0.5 / beta) + 0.2 * std::exp(-1 / beta)) / 0.7;
  EXPECT_NEAR(policy.estimate(beta), beta * (1 / beta - std::log(m_0)), 0.02);
  EXPECT_EQ(policy.estimate(beta), policy.estimate(beta)) << "depends only on the arguments";
}

TEST(AgreementEstimate, IsZeroWithOneWarningWhereNothingCanBeSaid) {
  OneDigit always({1, 1e-12, 1e-12});
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) warnings.emplace_back(line);
  });
  EXPECT_EQ(always.estimate(0.5), 0);
  set_log_sink({});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(
      warnings[0].find("expected a prompt that the initial policy answers with and without agreement, found none, "
                       "so the penalty is 0 (1 prompts with a belief, 16 answers of the initial policy, of which "
                       "100 % agree)"),
      std::string::npos)
      << warnings[0];
}

/// How often the policy agrees after PPO with the penalty λ, if π_0 does in 30 % of the cases.
double agreement_after_training(double penalty) {
  OneDigit world({0.3, 0.5, 0.2});
  PpoConfig config;
  config.rollout = world.options;
  config.reward = world.rewards;
  config.reward.agreement_penalty.number = penalty;
  config.ppo.kl_coef = 0.8;
  config.ppo.whiten_advantages = false;
  config.optimizer = {.lr = 0.04, .max_grad_norm = 0};
  config.value_optimizer = {.lr = 0.1, .max_grad_norm = 0};
  ScalarModel value(std::make_unique<TableLm>(at::zeros({OneDigit::kTokens, OneDigit::kTokens})),
                    at::ones({1, OneDigit::kTokens}), 0.0);
  PpoModels models{world.policy, world.reference, &value, *world.reward, &world.tokenizer};
  PpoState state(models, config);
  const std::vector<const PromptSample*> prompts(512, &world.prompts[0]);
  for (std::int64_t i = 0; i < 80; ++i) {
    const auto step = ppo_step(models, state, prompts, {}, config, 1 << 20, {i, 1.0 - static_cast<double>(i) / 80});
    EXPECT_NEAR(*step->metrics().find("objective/agreement_penalty"),
                penalty * *step->metrics().find("objective/agreement"), 1e-9)
        << "every prompt has a belief";
  }
  return at::softmax(world.policy.table().detach().select(0, 0), 0)[1].item<double>();
}

// π ∝ π_0·exp((r − λ·A)/β): with λ = β·ln(M_1/M_0) the policy agrees as often as π_0, with λ = 0 more often.
TEST(AgreementPenalty, KeepsThePolicyFromAgreeingMoreOften) {
  const double beta = 0.8;
  const double m_0 = (0.5 * std::exp(0.5 / beta) + 0.2 * std::exp(-1 / beta)) / 0.7, m_1 = std::exp(1 / beta);
  EXPECT_NEAR(agreement_after_training(beta * std::log(m_1 / m_0)), 0.3, 0.03);
  EXPECT_NEAR(agreement_after_training(0), 0.3 * m_1 / (0.3 * m_1 + 0.7 * m_0), 0.03);  // 0.51
}

class AgreementRun : public testing::SameBits {
 protected:
  /// Prompts whose belief is the right answer, which the fine-tuned policy gives now and then.
  void SetUp() override {
    SameBits::SetUp();
    SftConfig sft = sft_config("base");
    sft.train.max_steps = 30;
    train_sft(sft);
    std::ofstream prompts(path("beliefs.jsonl"));
    for (int a = 0; a < 5; ++a)
      prompts << nlohmann::json{{"prompt", std::to_string(a) + "+3="}, {"belief", std::to_string(a + 3)}} << "\n";
  }
  PpoConfig agreement_config(const std::string& reward, const std::string& output) const {
    PpoConfig config = ppo_config("base/final", reward, output);
    config.data.prompts = {path("beliefs.jsonl")};
    config.reward.agreement_penalty.number.reset();
    config.reward.missing_eos = MissingEos::none;
    return config;
  }
};

// The score is 1 for a response that agrees and 0.25 for others, so λ = 0.75 for every sample of π_0.
TEST_F(AgreementRun, EstimatesThePenaltyOnceAndKeepsIt) {
  PpoConfig config = agreement_config("", "ppo");
  config.data.eval = {path("beliefs.jsonl")};
  config.checkpoint.every_steps = 1;
  std::int64_t scored = 0;
  const auto reward = reward_from_function([&](const ResponseRecord& sampled) {
    ++scored;
    return agrees(sampled) ? 1.0F : 0.25F;
  });
  config.train.total_episodes = 16;
  train_ppo(config, {}, reward.get());
  EXPECT_EQ(scored, 5 * 16 + 2 * 8 + 2 * 5) << "estimate, two rollouts, evaluations at the start and at the end";
  const auto lines = testing::timeless_metrics(path("ppo"));
  int steps = 0;
  for (const auto& line : lines) {
    const bool evaluated = line.contains("eval_objective/agreement");
    const std::string prefix = evaluated ? "eval_" : "";
    const double share = line.at(prefix + "objective/agreement");
    EXPECT_NEAR(line.at(prefix + "objective/agreement_penalty"), 0.75 * share, 1e-6);
    EXPECT_NEAR(line.at(prefix + "objective/scores"), 0.25, 1e-6) << "1 − 0.75 and 0.25";
    if (evaluated) continue;
    ++steps;
    EXPECT_NEAR(line.at("objective/agreement_weight"), 0.75, 1e-6);
  }
  EXPECT_EQ(steps, 2);
  scored = 0;
  config.train.total_episodes = 24;
  train_ppo(config, {.resume = true}, reward.get());
  EXPECT_EQ(scored, 8 + 5) << "one rollout and one evaluation, no estimate";
}

TEST_F(AgreementRun, ResumesWithTheSameBits) {
  RewardModelConfig reward = reward_config("base/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  PpoConfig config = agreement_config("rm/final", "");
  config.data.eval = {path("beliefs.jsonl")};
  const auto train = [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); };
  expect_same_bits(config, "ppo", 4, train, {"final", "final-value"});
  expect_same_bits_after_loss(config, "ppo", train, {"final", "final-value"});
  const auto line = testing::timeless_metrics(path("ppo-straight")).back();
  EXPECT_TRUE(line.contains("objective/agreement_weight") || line.contains("eval_objective/agreement")) << line;
}

TEST_F(AgreementRun, SaysThatNobodyBelievesAnything) {
  PpoConfig config = agreement_config("", "ppo");
  config.data.prompts = {path("prompts.jsonl")};
  config.train.total_episodes = 8;
  const auto reward = reward_from_function([](const ResponseRecord&) { return 1.0F; });
  int warnings = 0;
  set_log_sink([&](LogLevel level, std::string_view line) {
    warnings += level == LogLevel::warning && line.find(
                                                  "reward.agreement_penalty: expected prompts whose asker "
                                                  "believes something, found none in 20") != line.npos;
  });
  train_ppo(config, {}, reward.get());
  set_log_sink({});
  EXPECT_EQ(warnings, 1);
  EXPECT_FALSE(testing::timeless_metrics(path("ppo")).front().contains("objective/agreement"));
}

}  // namespace
}  // namespace rlhf
