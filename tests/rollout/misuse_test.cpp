// Wrong calls of sampler, generator, rollouts and reward sources.
#include "support/misuse.h"

#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/rollout/sampling.h"

#include "support/fake_lm.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::f32;
using testing::FakeLm;
using testing::normal;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(RolloutMisuse, SampleTokens) {
  const at::Tensor logits = normal({2, 5}, 1, at::kFloat), uniforms = f32({0.2, 0.7});
  const auto draw = [](const at::Tensor& z, const at::Tensor& u, const SamplingOptions& options) {
    return [=] { sample_tokens(z, u, options); };
  };
  expect_misuse<ArgumentError>("temperature: expected at least 0, found -1",
                               draw(logits, uniforms, {.temperature = -1}));
  expect_misuse<ArgumentError>("temperature", draw(logits, uniforms, {.temperature = kNan}));
  expect_misuse<ArgumentError>("top_p: expected above 0 and at most 1, found 1.5",
                               draw(logits, uniforms, {.top_p = 1.5}));
  expect_misuse<ArgumentError>("top_p", draw(logits, uniforms, {.top_p = 0}));
  expect_misuse<ArgumentError>("top_k: expected at least 0, found -2", draw(logits, uniforms, {.top_k = -2}));
  expect_misuse<ShapeError>("logits: expected floating-point numbers, found Long",
                            draw(logits.to(at::kLong), uniforms, {}));
  expect_misuse<ShapeError>("logits: expected [any, any], found [5]", draw(logits[0], uniforms, {}));
  expect_misuse<ShapeError>("logits: expected a vocabulary", draw(normal({2, 0}, 1, at::kFloat), uniforms, {}));
  expect_misuse<ShapeError>("uniforms: expected [2], found [1]", draw(logits, f32({0.5}), {}));
  expect_misuse<ShapeError>("uniforms: expected [2], found no tensor", draw(logits, {}, {}));
  expect_misuse<ShapeError>("uniforms: expected a tensor on cpu", draw(logits, uniforms.to(at::kMeta), {}));
  expect_misuse<NumericsError>("log-probabilities of the logits: expected finite numbers",
                               draw(f32({kNan, 1}).view({1, 2}), f32({0.5}), {}));
  EXPECT_EQ(sample_tokens(normal({0, 5}, 1, at::kFloat), f32({}), {}).tokens.size(0), 0);
}

TEST(RolloutMisuse, Generate) {
  FakeLm model(7, /*max_positions=*/128);
  const TokenIds prompt{1, 2}, outside{1, 7}, negative{-1}, empty;
  const auto call = [&](const TokenIds* ids, const SamplingOptions& options, std::int64_t rows) {
    return [&model, ids, options, rows] {
      const GenerationRequest request{ids, 0};
      generate(model, {&request, 1}, options, rows);
    };
  };
  expect_misuse<ArgumentError>("max_rows: expected at least 1, found 0", call(&prompt, {}, 0));
  expect_misuse<ArgumentError>("max_new_tokens: expected at least 1, found 0", call(&prompt, {.max_new_tokens = 0}, 1));
  expect_misuse<ArgumentError>("temperature: expected at least 0, found -1", call(&prompt, {.temperature = -1}, 1));
  expect_misuse<ArgumentError>("prompt of request 0: expected token ids from 0 to 6, found 7", call(&outside, {}, 1));
  expect_misuse<ArgumentError>("prompt of request 0: expected token ids from 0 to 6, found -1", call(&negative, {}, 1));
  expect_misuse<ArgumentError>("prompt of request 0: expected token ids, found a null pointer", call(nullptr, {}, 1));
  expect_misuse<ShapeError>("expected a prompt of at least one token", call(&empty, {}, 1));
}

TEST(RolloutMisuse, Rollouts) {
  const TokenIds prompt{1, 2};
  const std::vector<const TokenIds*> one{&prompt}, null{nullptr};
  const std::vector<Generation> answer{{{3}, {-0.5F}, Finish::stop}}, unsure{{{3}, {}, Finish::stop}};
  const Rollout rollout = make_rollout(one, answer, at::kCPU);
  expect_misuse<ShapeError>("expected one response per prompt (1), found 0", [&] { make_rollout(one, {}, at::kCPU); });
  expect_misuse<ShapeError>("expected prompt 0, found a null pointer", [&] { make_rollout(null, answer, at::kCPU); });
  expect_misuse<ShapeError>("expected 1 log-probabilities, found 0", [&] { make_rollout(one, unsure, at::kCPU); });
  expect_misuse<DeviceError>("device: expected cpu", [&] { make_rollout(one, answer, at::kMeta); });
  expect_misuse<ArgumentError>("indices: expected sequences of the rollout, found 1",
                               [&] { slice_rollout(rollout, std::vector<std::size_t>{1}); });
  expect_misuse<ShapeError>("expected at least one sequence", [&] { slice_rollout(rollout, {}); });
}

TEST(RolloutMisuse, RewardSources) {
  expect_misuse<ArgumentError>("reward: expected a function, found none", [] { reward_from_function({}); });
  ScalarModel model(std::make_unique<FakeLm>(7), normal({1, 14}, 1, at::kFloat), 0);
  expect_misuse<ArgumentError>("micro_batch_tokens: expected at least 1, found 0",
                               [&] { reward_from_model(model, 0); });
}

}  // namespace
}  // namespace rlhf
