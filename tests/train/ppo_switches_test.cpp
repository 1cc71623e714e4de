// Switches of PPO that other systems have: target_kl, scaled scores, groups of equal scores that are sampled again, and
// the pretraining loss.
#include <cmath>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <ATen/ops/eye.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/train/ppo.h"
#include "rlhf/train/ptx.h"
#include "rlhf/train/sft.h"

#include "support/bandit.h"
#include "support/golden.h"
#include "support/misuse.h"
#include "support/tensors.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::Bandit;
using testing::bandit_config;
using testing::close;
using testing::expect_misuse;
using testing::f32;
using testing::TableLm;
using testing::tensor_of;

/// The tables of policy and value model after one step, and the tokens that were sampled.
struct AfterStep {
  at::Tensor policy, value, tokens;
  double updates = 0;
};
AfterStep after_step(std::int64_t epochs, std::optional<double> target_kl) {
  PpoConfig config = bandit_config(64);
  config.ppo.num_ppo_epochs = epochs;
  config.ppo.target_kl = target_kl;
  Bandit bandit;
  PpoState state(bandit.models, config);
  const auto step = ppo_step(bandit.models, state, bandit.prompts(64), {}, config, 1 << 20, {0, 1});
  return {bandit.policy.table().detach(), bandit.value.trunk().parameters()[0].value.detach(),
          step->scored.rollout.tokens, *step->metrics().find("policy/num_updates")};
}

/// ½·mean (logp − old)² of the sampled arms.
double approx_kl(const at::Tensor& table, const at::Tensor& tokens) {
  const at::Tensor now = at::log_softmax(table.select(0, 0).to(at::kDouble), 0);
  const at::Tensor old = at::log_softmax(testing::first_row().to(at::kDouble), 0);
  return now.sub(old).index_select(0, tokens).square().mean().item<double>() / 2;
}

// With one mini-batch the KL after k epochs is seen in epoch k + 1, which is then left out.
TEST(TargetKl, LeavesOutTheRestOfThePolicyUpdatesButNotOfTheValueModel) {
  const AfterStep two = after_step(2, std::nullopt), three = after_step(3, std::nullopt),
                  six = after_step(6, std::nullopt);
  const double low = approx_kl(two.policy, six.tokens), high = approx_kl(three.policy, six.tokens);
  ASSERT_GT(high, low * 1.1);
  const AfterStep stopped = after_step(6, (low + high) / 2);
  EXPECT_EQ(stopped.updates, 3);
  EXPECT_TRUE(stopped.policy.equal(three.policy));
  EXPECT_TRUE(stopped.value.equal(six.value));
  EXPECT_EQ(after_step(6, 10 * approx_kl(six.policy, six.tokens)).updates, 6);
  EXPECT_EQ(after_step(6, 1e-12).updates, 1) << "the first update has a KL of 0";
}

/// A bandit after two steps.
AfterStep after_two_steps(const PpoConfig& config) {
  Bandit bandit;
  PpoState state(bandit.models, config);
  for (std::int64_t i = 0; i < 2; ++i) ppo_step(bandit.models, state, bandit.prompts(64), {}, config, 1 << 20, {i, 1});
  return {bandit.policy.table().detach(), bandit.value.trunk().parameters()[0].value.detach(), {}, 0};
}

// Adam divides by √v + eps: a gradient times 0.1 with eps has the effect of the gradient with ten times eps.
TEST(OneOptimizer, ComparesEpsWithTheWeightedGradientOfTheValueModel) {
  PpoConfig one = bandit_config(64), two = bandit_config(64);
  one.ppo.vf_coef = 0.1;
  one.value_optimizer.eps = 1e-2;
  two.value_optimizer.eps = 1e-1;
  const AfterStep by_one = after_two_steps(one), by_two = after_two_steps(two);
  EXPECT_TRUE(close(by_one.value, by_two.value, 1e-6));
  EXPECT_TRUE(close(by_one.policy, by_two.policy, 1e-6));
  two.value_optimizer.eps = 1e-2;
  EXPECT_FALSE(close(by_one.value, after_two_steps(two).value, 1e-4));
}

// With a large vf_coef the value model has nearly all of the common norm, and little is left for the policy.
TEST(OneOptimizer, ClipsBothByTheirCommonNorm) {
  PpoConfig config = bandit_config(64);
  config.optimizer.eps = config.value_optimizer.eps = 1;  // so that the size of a gradient matters
  config.optimizer.max_grad_norm = config.value_optimizer.max_grad_norm = 1;
  const auto moved = [&](double vf_coef) {
    config.ppo.vf_coef = vf_coef;
    return after_two_steps(config).policy.select(0, 0).sub(testing::first_row()).norm().item<double>();
  };
  EXPECT_NEAR(moved(300) / moved(30), 0.1, 0.01);
}

/// The scores of responses to which `reward` gives `scores`.
at::Tensor scored(const std::vector<float>& given, const RewardOptions& options, RunningMoments* moments) {
  const TokenIds prompt = {0};
  const std::vector<const TokenIds*> prompts(given.size(), &prompt);
  const std::vector<Generation> generations(given.size(), {.tokens = {1}, .logprobs = {-1}, .finish = Finish::stop});
  const Rollout rollout = make_rollout(prompts, generations, at::kCPU);
  const std::vector<ResponseRecord> responses(given.size());
  std::size_t next = 0;
  const auto reward = reward_from_function([&](const ResponseRecord&) { return given.at(next++); });
  WorkCounters work;
  return score_responses(*reward, rollout, responses, options, work, moments).values;
}

// 1, 3 have the deviation √2; 1, 3, 5, 7 the mean 4 and the deviation √(20/3), divided by n − 1 as in TRL's
// RunningMoments, which also counts the scores that it then scales.
TEST(RewardScaling, DividesByTheDeviationOfAllScoresSoFar) {
  const double first = std::sqrt(2.0), both = std::sqrt(20.0 / 3);
  RunningMoments moments;
  const RewardOptions divided{.scaling = RewardScaling::running_std};
  EXPECT_TRUE(close(scored({1, 3}, divided, &moments), f32({1 / first, 3 / first}), 1e-6));
  EXPECT_TRUE(close(scored({5, 7}, divided, &moments), f32({5 / both, 7 / both}), 1e-6));
  moments = {};
  RewardOptions centred{.scaling = RewardScaling::running_mean_std};
  EXPECT_TRUE(close(scored({1, 3}, centred, &moments), f32({-1 / first, 1 / first}), 1e-6));
  centred.clip_range = {-1, 1};  // after the scaling
  EXPECT_TRUE(close(scored({5, 7}, centred, &moments), f32({1 / both, 1}), 1e-6));
  expect_misuse<ArgumentError>("moments: expected those of the scores so far, with reward.scaling",
                               [&] { scored({1}, divided, nullptr); });
}

/// Prompt {0} is always answered by token 2, prompt {1} by any token; the score is the number of the token.
struct TwoKinds {
  TableLm policy, reference;
  PromptSample same{{0}, "same", "{}"}, different{{1}, "different", "{}"};

  TwoKinds() : policy(table()), reference(table()) {}
  static at::Tensor table() {
    at::Tensor table = at::zeros({6, 6});
    table.select(0, 0).fill_(-40).select(0, 2).fill_(0);
    return table;
  }
  std::vector<const PromptSample*> groups(const std::vector<const PromptSample*>& prompts) const {
    std::vector<const PromptSample*> all;
    for (const PromptSample* prompt : prompts) all.insert(all.end(), 8, prompt);
    return all;
  }
};

class TokenReward : public RewardSource {
 public:
  std::vector<float> score(const RewardRequest& request) override {
    const at::Tensor scores = request.rollout.tokens.to(at::kFloat).contiguous();
    return {scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + scores.numel()};
  }
};

std::unique_ptr<PpoStep> refilled_step(std::int64_t rounds, const RefillPrompts& refill) {
  PpoConfig config = bandit_config(32);
  config.rollout.num_samples_per_prompt = 8;
  config.rollout.refill_equal_groups = rounds;
  config.ppo.advantage = AdvantageKind::grpo;
  TwoKinds kinds;
  TokenReward reward;
  PpoModels models{kinds.policy, kinds.reference, nullptr, reward};
  PpoState state(models, config);
  const auto first = kinds.groups({&kinds.same, &kinds.different, &kinds.same, &kinds.different});
  return ppo_step(models, state, first, {}, config, 1 << 20, {0, 1}, refill);
}

std::string prompts_of(const PpoStep& step) {
  std::string text;
  for (std::size_t i = 0; i < 32; i += 8) text += step.scored.responses[i].prompt.front();
  return text;
}

// Two groups are equal. Round 1 brings one that differs and one that does not, round 2 the other.
TEST(RefillEqualGroups, PutsOtherPromptsInThePlaceOfThoseThatTeachNothing) {
  const TwoKinds kinds;
  std::vector<std::vector<std::int64_t>> asked;
  const auto refill = [&](std::int64_t round, std::int64_t count) {
    asked.push_back({round, count});
    return round == 1 ? kinds.groups({&kinds.same, &kinds.different}) : kinds.groups({&kinds.different});
  };
  const auto plain = refilled_step(0, {}), one = refilled_step(1, refill), all = refilled_step(9, refill);
  EXPECT_EQ(asked, (std::vector<std::vector<std::int64_t>>{{1, 2}, {1, 2}, {2, 1}}));
  EXPECT_EQ(prompts_of(*plain), "sdsd");
  EXPECT_EQ(prompts_of(*one), "ddsd");
  EXPECT_EQ(prompts_of(*all), "dddd");
  EXPECT_EQ(*plain->metrics().find("rollout/equal_groups"), 0.5);
  EXPECT_EQ(*one->metrics().find("rollout/equal_groups"), 0.25);
  EXPECT_EQ(*all->metrics().find("rollout/equal_groups"), 0);
  EXPECT_EQ(plain->metrics().find("rollout/refilled_prompts"), nullptr);
  EXPECT_EQ(*one->metrics().find("rollout/refilled_prompts"), 2);
  EXPECT_EQ(*all->metrics().find("rollout/refilled_prompts"), 3);
  const at::Tensor tokens = all->scored.rollout.tokens;
  EXPECT_TRUE(all->scored.scores.equal(tokens.to(at::kFloat))) << "scores stay with their responses";
  for (const std::int64_t kept : {8, 24})
    EXPECT_TRUE(tokens.slice(0, kept, kept + 8).equal(plain->scored.rollout.tokens.slice(0, kept, kept + 8)));
  EXPECT_FALSE(tokens.slice(0, 0, 8).equal(tokens.slice(0, 16, 24))) << "each round has its own random numbers";
  EXPECT_EQ(all->scored.rollout.prompt_lengths, std::vector<std::int64_t>(32, 1));
}

TEST(RefillEqualGroups, RefusesPromptsThatAreNotThoseAskedFor) {
  const TwoKinds kinds;
  expect_misuse<ArgumentError>("refill: expected a function", [] { refilled_step(1, {}); });
  for (const std::size_t size : {0, 2, 15, 17})
    expect_misuse<ShapeError>("refill: expected 16 prompts, one per response, found " + std::to_string(size), [&] {
      refilled_step(1, [&](auto, auto) { return std::vector<const PromptSample*>(size, &kinds.different); });
    });
  expect_misuse<ArgumentError>("refill: expected prompts, found a null pointer", [&] {
    refilled_step(1, [&](auto, auto) { return std::vector<const PromptSample*>(16, nullptr); });
  });
}

// A round of groups that teach nothing leaves the rollout as it is.
TEST(RefillEqualGroups, KeepsTheRolloutWhereNoOtherGroupIsBetter) {
  const TwoKinds kinds;
  const auto plain = refilled_step(0, {}), refilled = refilled_step(2, [&](auto, auto) {
                                             return kinds.groups({&kinds.same, &kinds.same});
                                           });
  EXPECT_EQ(prompts_of(*refilled), "sdsd");
  EXPECT_TRUE(refilled->scored.rollout.tokens.equal(plain->scored.rollout.tokens));
  EXPECT_TRUE(refilled->scored.scores.equal(plain->scored.scores));
  EXPECT_EQ(*refilled->metrics().find("rollout/refilled_prompts"), 4);
}

TEST(RefillEqualGroups, TakesPromptsThatDependOnlyOnStepAndRound) {
  const std::vector<PromptSample> prompts(10);
  const BatchOrder order(10, 1, 3);
  const RolloutOptions options{.batch_size = 8, .num_samples_per_prompt = 2};
  const auto taken = choose_refill_prompts(order, prompts, 5, 2, 3, options);
  ASSERT_EQ(taken.size(), 6U);
  EXPECT_EQ(taken[0], taken[1]);
  EXPECT_NE(taken[1], taken[2]);
  EXPECT_EQ(taken, choose_refill_prompts(BatchOrder(10, 1, 3), prompts, 5, 2, 3, options));
  std::set<const PromptSample*> of_an_epoch;
  for (std::int64_t round = 1; round <= 5; ++round)
    for (const PromptSample* prompt : choose_refill_prompts(order, prompts, 0, round, 2, options))
      of_an_epoch.insert(prompt);
  EXPECT_GT(of_an_epoch.size(), 5U) << "rounds take different prompts";
  expect_misuse<ArgumentError>("round: expected from 1 to 64, found 65",
                               [&] { choose_refill_prompts(order, prompts, 0, 65, 1, options); });
}

// The mean nll of the two labels of 0 → 1 → 2, and its gradient (p − 1[label]) / 2 in the rows that predict them.
TEST(PtxMix, HasTheLossAndTheGradientOfFineTuning) {
  const at::Tensor table = testing::normal({4, 4}, 5, at::kFloat);
  for (const std::int64_t micro_batch_tokens : {3, 100}) {
    TableLm policy(table);
    const PtxMix mix({{{0, 1, 2}, {{1, 3}}}, {{0, 1, 2}, {{1, 3}}}}, 2, 0, micro_batch_tokens);
    WorkCounters work;
    const at::Tensor loss = mix.backward(policy, 0, 0.5, work);
    const at::Tensor log_p = at::log_softmax(table.to(at::kDouble), 1);
    EXPECT_NEAR(loss.item<double>(), -log_p[0][1].add(log_p[1][2]).item<double>() / 2, 1e-6);
    at::Tensor expected = at::zeros({4, 4}, at::kDouble);
    expected[0].copy_(log_p[0].exp().div(2));
    expected[1].copy_(log_p[1].exp().div(2));
    expected[0][1].sub_(0.5);
    expected[1][2].sub_(0.5);
    EXPECT_TRUE(close(policy.table().grad(), expected.mul(0.5), 1e-6));
    EXPECT_EQ(work.label_rows, 4);
    EXPECT_EQ(work.useful_tokens, 6);
  }
}

// Without a reward and a KL penalty the samples alone decide: 1 follows 0 in seven of ten.
TEST(PtxMix, BringsThePolicyToTheDistributionOfItsSamples) {
  std::vector<Sample> samples;
  for (std::int32_t i = 0; i < 10; ++i) samples.push_back({{0, i < 7 ? 1 : 4}, {{1, 2}}});
  const PtxMix mix(samples, 10, 0, 100);
  PpoConfig config = bandit_config(10);
  config.ppo.kl_coef = 0;
  config.ppo.ptx_coef = 1;
  Bandit bandit;
  const auto nothing = reward_from_function([](const ResponseRecord&) { return 0.0F; });
  PpoModels models{bandit.policy, bandit.reference, &bandit.value, *nothing};
  PpoState state(models, config);
  expect_misuse<ArgumentError>("models.ptx: expected samples, with ppo.ptx_coef above 0", [&] {
    ppo_step(models, state, bandit.prompts(10), {}, config, 1 << 20, {0, 1});
  });
  models.ptx = &mix;
  double last = 0;
  for (std::int64_t i = 0; i < 100; ++i)
    last = *ppo_step(models, state, bandit.prompts(10), {}, config, 1 << 20, {i, 1.0 - static_cast<double>(i) / 100})
                ->metrics()
                .find("loss/ptx_avg");
  const at::Tensor arms = at::softmax(bandit.policy.table().detach().select(0, 0), 0);
  EXPECT_LE(arms.sub(f32({0, 0.7, 0, 0, 0.3})).abs().sum().item<double>() / 2, 0.02);
  EXPECT_NEAR(last, -0.7 * std::log(0.7) - 0.3 * std::log(0.3), 0.02) << "the entropy of the samples";
}

/// Two responses of two tokens, log-probabilities −1 and −2 (reference: −1.5 each) and scores 3 and −1; the first one
/// ended.
ScoredRollout two_responses() {
  const TokenIds prompt = {0};
  const std::vector<const TokenIds*> prompts(2, &prompt);
  const std::vector<Generation> generations = {{.tokens = {1, 3}, .logprobs = {-1, -2}, .finish = Finish::stop},
                                               {.tokens = {2, 1}, .logprobs = {-1, -2}, .finish = Finish::length}};
  return {make_rollout(prompts, generations, at::kCPU), {{}, {}}, f32({-1.5, -1.5, -1.5, -1.5}), f32({3, -1})};
}

// N+: the reward of the step after EOS is the score, that of a token −β·kl. With γ = 0.9 and λ = 0.5, by hand.
TEST(ScorePosition, AfterEosIsAStepWithAValueOfItsOwn) {
  const PpoOptions options{
      .score_position = ScorePosition::after_eos, .gamma = 0.9, .gae_lambda = 0.5, .whiten_advantages = false};
  const at::Tensor values = f32({0.1, 0.2, 0.4, 0.5, 0.6});  // the third one is at the EOS of the first response
  const ScoredRollout scored = two_responses();
  const RowsAfterEnd after_end = add_rows_after_end(scored.rollout);
  const PpoBatch batch = make_ppo_batch(scored, values, options, /*kl_coef=*/0.2, 1, &after_end);
  const double after = 3 - 0.4;
  const double last = 0.2 * 0.5 + 0.9 * 0.4 - 0.2 + 0.45 * after, first = -0.2 * 0.5 + 0.9 * 0.2 - 0.1 + 0.45 * last;
  const double cut_last = 0.2 * 0.5 - 1 - 0.6, cut_first = -0.2 * 0.5 + 0.9 * 0.6 - 0.5 + 0.45 * cut_last;
  EXPECT_TRUE(close(batch.advantages, f32({first, last, cut_first, cut_last}), 1e-6));
  EXPECT_TRUE(close(batch.returns, f32({first + 0.1, last + 0.2, 3, cut_first + 0.5, cut_last + 0.6}), 1e-6));
}

// A response as long as the longest one was cut.
TEST(ScorePosition, AfterEosAgreesWithTrl) {
  const auto& golden = testing::read_golden("ppo/score_position.json");
  const TokenIds prompt = {0};
  const std::vector<std::size_t> lengths = golden["lengths"];
  const std::vector<const TokenIds*> prompts(lengths.size(), &prompt);
  std::vector<Generation> generations;
  auto logprob = golden["old_logprobs"].begin();
  for (const std::size_t length : lengths) {
    const bool cut = length == golden["longest"].get<std::size_t>();
    generations.push_back({TokenIds(length, 1), {}, cut ? Finish::length : Finish::stop});
    for (std::size_t t = 0; t < length; ++t) generations.back().logprobs.push_back(*logprob++);
  }
  const ScoredRollout scored{make_rollout(prompts, generations, at::kCPU), std::vector<ResponseRecord>(lengths.size()),
                             tensor_of(golden["ref_logprobs"]).to(at::kFloat),
                             tensor_of(golden["scores"]).to(at::kFloat)};
  const PpoOptions options{.score_position = ScorePosition::after_eos,
                           .gamma = golden["gamma"],
                           .gae_lambda = golden["gae_lambda"],
                           .whiten_advantages = false};
  const RowsAfterEnd after_end = add_rows_after_end(scored.rollout);
  const PpoBatch batch =
      make_ppo_batch(scored, tensor_of(golden["old_values"]).to(at::kFloat), options, golden["kl_coef"], 1, &after_end);
  EXPECT_TRUE(close(batch.advantages, tensor_of(golden["advantages"]), 2e-6));
  EXPECT_TRUE(close(batch.returns, tensor_of(golden["returns"]), 2e-6));
}

// The values are read where they predict a token, and at the EOS: row 3 of the table has the value 30.
TEST(ScorePosition, AfterEosReadsTheValueAtTheEos) {
  ScalarModel value(std::make_unique<TableLm>(at::eye(4).mul(f32({0, 10, 20, 30}))), at::ones({1, 4}), 0.0);
  const auto [longer, token_rows] = add_rows_after_end(two_responses().rollout);
  WorkCounters work;
  EXPECT_TRUE(close(values_of(value, longer, all_sequences(longer), {1.0, 100}, work), f32({0, 10, 30, 0, 20}), 0));
  EXPECT_TRUE(token_rows.equal(testing::i64({0, 1, 3, 4})));
  EXPECT_TRUE(longer.logprobs.equal(f32({-1, -2, 0, -1, -2})));
}

// Token 3 ends a response: the value after it becomes the score of answers that end, which is 0.9 for this arm.
TEST(ScorePosition, AfterEosTrainsTheValueAtTheEos) {
  PpoConfig config = bandit_config(256);
  config.ppo.score_position = ScorePosition::after_eos;
  config.optimizer.lr = 0;
  Bandit bandit;
  PpoState state(bandit.models, config);
  for (std::int64_t i = 0; i < 40; ++i)
    ppo_step(bandit.models, state, bandit.prompts(256), {3}, config, 1 << 20, {i, 1.0 - static_cast<double>(i) / 40});
  const at::Tensor values = bandit.value.trunk().parameters()[0].value.detach().sum(1);
  EXPECT_NEAR(values[3].item<double>(), 0.9, 0.02);
  EXPECT_EQ(values[1].item<double>(), 0) << "a response that was cut has no such value";
}

TEST(ScorePosition, TakesTheRowsAfterTheEndWhereTheyCount) {
  const ScoredRollout scored = two_responses();
  const RowsAfterEnd after_end = add_rows_after_end(scored.rollout);
  const PpoOptions after_eos{.score_position = ScorePosition::after_eos}, last_token{};
  expect_misuse<ArgumentError>("with ppo.score_position: after_eos, and none without, found none", [&] {
    make_ppo_batch(scored, f32({0, 0, 0, 0, 0}), after_eos, 0.1, 1);
  });
  expect_misuse<ArgumentError>("with ppo.score_position: after_eos, and none without, found one", [&] {
    make_ppo_batch(scored, f32({0, 0, 0, 0}), last_token, 0.1, 1, &after_end);
  });
}

class PpoSwitchesRun : public testing::TinyRun {};

// Every response scores 500 or 700. Training sees scaled and clipped scores, evaluations the scores themselves.
TEST_F(PpoSwitchesRun, EvaluationsReportScoresThatAreNotScaled) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.data.eval = {path("prompts.jsonl")};
  config.reward.missing_eos = MissingEos::none;
  config.reward.scaling = RewardScaling::running_mean_std;
  config.reward.clip_range = {-1, 1};
  const auto reward =
      reward_from_function([](const ResponseRecord& sampled) { return sampled.prompt[0] % 2 == 0 ? 500.0F : 700.0F; });
  train_ppo(config, {}, reward.get());
  int evaluations = 0;
  for (const auto& line : testing::timeless_metrics(path("ppo"))) {
    if (line.contains("eval_objective/scores")) {
      // of the first digits 0 to 4, four prompts each, two are odd
      EXPECT_NEAR(line["eval_objective/scores"].get<double>(), (3 * 500 + 2 * 700) / 5.0, 1e-3);
      ++evaluations;
      continue;
    }
    EXPECT_LE(std::abs(line.at("objective/scores").get<double>()), 1);
    EXPECT_GT(line.at("objective/score_scale").get<double>(), 50);
  }
  EXPECT_EQ(evaluations, 2);
}

}  // namespace
}  // namespace rlhf
