// Wrong calls of the formulas: each is an rlhf::Error that says what was expected and found.
#include "support/misuse.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/lr_schedule.h"
#include "rlhf/algo/ppo_loss.h"
#include "rlhf/algo/preference_loss.h"
#include "rlhf/algo/reward_loss.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/core/error.h"

#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::f32;
using testing::f64;
using testing::i64;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Segments two_and_one() { return make_segments(std::vector<std::int64_t>{2, 1}, at::kCPU); }
const at::Tensor three() { return f32({1, 2, 3}); }
at::Tensor elsewhere(const at::Tensor& values) { return values.to(at::kMeta); }

TEST(AlgoMisuse, Gae) {
  const Segments segments = two_and_one();
  const auto gae = [&](const at::Tensor& rewards, const at::Tensor& values, const Segments& of, double gamma,
                       double lambda) { return [=] { compute_gae(rewards, values, of, gamma, lambda); }; };
  expect_misuse<ArgumentError>("gamma: expected a number from 0 to 1, found 2", gae(three(), three(), segments, 2, 1));
  expect_misuse<ArgumentError>("gae_lambda: expected a number from 0 to 1, found -0.5",
                               gae(three(), three(), segments, 1, -0.5));
  expect_misuse<ArgumentError>("gamma", gae(three(), three(), segments, kNan, 1));
  expect_misuse<ShapeError>("rewards: expected floating-point numbers, found Long",
                            gae(i64({1, 2, 3}), three(), segments, 1, 1));
  expect_misuse<ShapeError>("values: expected [3], found [2]", gae(three(), f32({1, 2}), segments, 1, 1));
  expect_misuse<ShapeError>("values: expected [3], found no tensor", gae(three(), {}, segments, 1, 1));
  expect_misuse<ShapeError>("rewards: expected a tensor on cpu, found one on meta",
                            gae(elsewhere(three()), three(), segments, 1, 1));
  expect_misuse<NumericsError>("rewards: expected finite numbers, found nan at index 1",
                               gae(f32({1, kNan, 3}), three(), segments, 1, 1));
  expect_misuse<ShapeError>("segments: expected the bounds of sequences", gae(f32({}), f32({}), Segments{}, 1, 1));
}

TEST(AlgoMisuse, GaeOfNoSequencesIsEmpty) {
  const Segments none = make_segments(std::vector<std::int64_t>{}, at::kCPU);
  EXPECT_EQ(compute_gae(f32({}), f32({}), none, 1, 1).advantages.size(0), 0);
}

TEST(AlgoMisuse, Kl) {
  expect_misuse<ShapeError>("logprobs: expected [any], found [1, 3]", [] { kl_k1(three().unsqueeze(0), three()); });
  expect_misuse<ShapeError>("ref_logprobs: expected [3], found [1]", [] { kl_k1(three(), f32({1})); });
  expect_misuse<ShapeError>("logprobs: expected floating-point", [] { kl_k1(i64({1}), f32({1})); });
  expect_misuse<ShapeError>("ref_logprobs: expected a tensor on cpu", [] { kl_k1(three(), elsewhere(three())); });
  expect_misuse<NumericsError>("ref_logprobs: expected finite numbers, found nan",
                               [] { kl_k1(f32({1}), f32({kNan})); });
  expect_misuse<ArgumentError>("target: expected above 0, found 0", [] { adapt_kl_coef(0.1, 5, 0, 8, 100); });
  expect_misuse<ArgumentError>("horizon: expected above 0, found 0", [] { adapt_kl_coef(0.1, 5, 6, 8, 0); });
  expect_misuse<ArgumentError>("sequences", [] { adapt_kl_coef(0.1, 5, 6, -1, 100); });
  expect_misuse<ArgumentError>("kl: expected a finite number", [] { adapt_kl_coef(0.1, kNan, 6, 8, 100); });
  expect_misuse<ArgumentError>("kl_coef: expected at least 0, found -0.1", [] { adapt_kl_coef(-0.1, 5, 6, 8, 100); });
}

TEST(AlgoMisuse, TokenRewards) {
  const Segments segments = two_and_one();
  expect_misuse<ShapeError>("scores: expected [2], found [3]", [&] { token_rewards(three(), three(), segments, 0.1); });
  expect_misuse<ShapeError>("scores: expected floating-point numbers, found Long", [&] {
    token_rewards(three(), i64({1, 2}), segments, 0.1);
  });
  expect_misuse<ArgumentError>("kl_coef", [&] { token_rewards(three(), f32({1, 2}), segments, -1); });
  expect_misuse<NumericsError>("scores: expected finite numbers, found inf", [&] {
    token_rewards(three(), f32({1, INFINITY}), segments, 0.1);
  });
}

TEST(AlgoMisuse, LossesOfPpo) {
  expect_misuse<ArgumentError>("cliprange: expected above 0 and at most 1, found -0.2",
                               [] { ppo_policy_loss(three(), three(), three(), {.low = -0.2}); });
  expect_misuse<ShapeError>("advantages: expected floating-point numbers, found Long", [] {
    ppo_policy_loss(three(), three(), i64({1, 2, 3}), {});
  });
  expect_misuse<ShapeError>("old_logprobs: expected [3], found [1]",
                            [] { ppo_policy_loss(three(), f32({1}), three(), {}); });
  expect_misuse<ShapeError>("logprobs: expected [any], found no tensor",
                            [] { ppo_policy_loss({}, three(), three(), {}); });
  expect_misuse<ArgumentError>("cliprange_value: expected above 0, found 0",
                               [] { ppo_value_loss(three(), three(), three(), 0); });
  expect_misuse<ShapeError>("returns: expected a tensor on cpu",
                            [] { ppo_value_loss(three(), three(), elsewhere(three()), 0.2); });
  expect_misuse<ShapeError>("returns: expected [3], found [1]", [] { explained_variance(three(), f32({1})); });
  expect_misuse<NumericsError>("values: expected finite", [] { explained_variance(f32({kNan, 1}), f32({1, 2})); });
}

TEST(AlgoMisuse, RewardLoss) {
  expect_misuse<ShapeError>("rejected: expected [3], found [1]", [] { bradley_terry_loss(three(), f32({1})); });
  expect_misuse<ShapeError>("chosen: expected floating-point numbers, found Long",
                            [] { bradley_terry_loss(i64({1}), i64({1})); });
  expect_misuse<ShapeError>("margin: expected floating-point numbers, found Long",
                            [] { bradley_terry_loss(f32({1}), f32({1}), {.margin = i64({1})}); });
  expect_misuse<ShapeError>("weight: expected [3], found [2]", [] {
    bradley_terry_loss(three(), three(), {.weight = f32({1, 2})});
  });
  expect_misuse<ShapeError>("evidence: expected a tensor on cpu, found one on meta",
                            [] { bradley_terry_loss(three(), three(), {.evidence = elsewhere(three())}); });
  expect_misuse<ShapeError>("rejected: expected [3], found [1]", [] { centering_loss(three(), f32({1}), {}); });
  expect_misuse<ArgumentError>("tau: expected above 0, found 0", [] { ipo_loss(three(), three(), {}, 0); });
  expect_misuse<ShapeError>("evidence: expected no tensor",
                            [] { ipo_loss(three(), three(), {.evidence = three()}, 0.1); });
}

TEST(AlgoMisuse, PreferenceLoss) {
  const PairLogprobs pairs{three(), three(), three(), three(), three(), three()}, no_reference{three(), three()};
  expect_misuse<ArgumentError>("beta: expected above 0, found 0", [&] { dpo_loss(pairs, {}, 0); });
  expect_misuse<ArgumentError>("beta: expected above 0, found nan", [&] { simpo_loss(pairs, {}, kNan, 0.5); });
  expect_misuse<ShapeError>("ref_chosen: expected [3], found no tensor", [&] { dpo_loss(no_reference, {}, 0.1); });
  expect_misuse<ShapeError>("chosen_tokens: expected [3], found no tensor",
                            [&] { simpo_loss(no_reference, {}, 0.1, 0.5); });
  expect_misuse<ShapeError>("rejected: expected [3], found [1]",
                            [] { orpo_loss({.chosen = three(), .rejected = f32({1})}, {}, 0.1); });
  expect_misuse<ShapeError>("evidence: expected no tensor", [&] { dpo_hinge_loss(pairs, {.evidence = three()}, 0.1); });
  expect_misuse<ShapeError>("kl: expected [], found [3]",
                            [&] { kto_loss(three(), three(), three(), three(), 0.1, three()); });
  expect_misuse<ShapeError>("undesirable: expected [3], found [1]",
                            [&] { kto_loss(three(), three(), three(), f32({1}), 0.1, f32({0})[0]); });
  expect_misuse<ShapeError>("logprobs: expected at least one, found none", [] { kto_kl(f32({}), f32({})); });
  expect_misuse<ShapeError>("ref_logprobs: expected [3], found [1]", [] { kto_kl(three(), f32({1})); });
}

TEST(AlgoMisuse, WhiteningAndSchedule) {
  expect_misuse<ShapeError>("values: expected floating-point numbers, found Long", [] {
    compute_moments(i64({1, 2}));
  });
  expect_misuse<ShapeError>("values: expected floating-point numbers, found no tensor", [] { compute_moments({}); });
  expect_misuse<NumericsError>("values: expected finite numbers, found nan at index 1", [] {
    compute_moments(f32({1, kNan}));
  });
  expect_misuse<ShapeError>("moments: expected [3], found [2]", [] { whiten(three(), {f64({3, 1})}, true); });
  const auto factor = [](std::int64_t step, std::int64_t total, std::int64_t warmup, double share) {
    return [=] { lr_factor(LrScheduleKind::cosine, step, total, warmup, share); };
  };
  expect_misuse<ArgumentError>("step: expected at least 0, found -1", factor(-1, 10, 0, 0));
  expect_misuse<ArgumentError>("total", factor(0, -10, 0, 0));
  expect_misuse<ArgumentError>("warmup", factor(0, 10, -2, 0));
  expect_misuse<ArgumentError>("min_share: expected a number from 0 to 1, found 1.5", factor(0, 10, 0, 1.5));
  expect_misuse<ArgumentError>("kind", [] { lr_factor(static_cast<LrScheduleKind>(9), 0, 10, 0, 0); });
}

}  // namespace
}  // namespace rlhf
