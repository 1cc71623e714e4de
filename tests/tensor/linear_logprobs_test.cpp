#include "rlhf/tensor/linear_logprobs.h"

#include <cmath>
#include <numbers>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "rlhf/core/error.h"

#include "support/allocations.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f64;
using testing::i64;
using testing::leaf;
using testing::normal;
using testing::Tensors;

/// The same by the definition: the whole [R,V] and LibTorch's log_softmax, in float64.
Logprobs plain(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets, double temperature) {
  const at::Tensor logits = at::matmul(hidden.to(at::kDouble), head.to(at::kDouble).t()).div(temperature);
  const at::Tensor log_p = at::log_softmax(logits, 1);
  return {log_p.gather(1, targets.unsqueeze(1)).squeeze(1), log_p.exp().mul(log_p).sum(1).neg()};
}

struct Problem {
  at::Tensor hidden, head, targets;
};
Problem make_problem(std::int64_t rows, std::int64_t width, std::int64_t vocabulary, at::ScalarType dtype) {
  return {leaf(normal({rows, width}, 1, dtype)), leaf(normal({vocabulary, width}, 2, dtype)),
          at::randint(vocabulary, {rows}, at::make_generator<at::CPUGeneratorImpl>(3), at::TensorOptions(at::kLong))};
}

/// A scalar that gives each row another weight, so that a mix-up of rows shows.
at::Tensor weigh(const Logprobs& results) {
  const at::Tensor weights = normal({results.logprobs.size(0)}, 4, results.logprobs.scalar_type());
  at::Tensor sum = results.logprobs.mul(weights).sum();
  if (results.entropy.defined()) sum = sum.add(results.entropy.mul(weights.square().add(0.5)).sum());
  return sum;
}

TEST(LinearLogprobs, AgreesWithAHandCalculation) {
  // logits of the one row: 0 and ln 3, so p = 1/4 and 3/4.
  const at::Tensor hidden = f64({1}).view({1, 1});
  const at::Tensor head = f64({0, std::log(3.0)}).view({2, 1});
  const Logprobs found = linear_logprobs(hidden, head, i64({1}), {.entropy = true});
  EXPECT_NEAR(found.logprobs.item<double>(), std::log(0.75), 1e-12);
  EXPECT_NEAR(found.entropy.item<double>(), std::log(4.0) - 0.75 * std::log(3.0), 1e-12);
  // At temperature 2 the logits are 0 and ln √3.
  const Logprobs warm = linear_logprobs(hidden, head, i64({1}), {.temperature = 2.0});
  EXPECT_NEAR(warm.logprobs.item<double>(), std::log(std::numbers::sqrt3 / (1 + std::numbers::sqrt3)), 1e-12);
  EXPECT_FALSE(warm.entropy.defined());
}

TEST(LinearLogprobs, OfAUniformDistributionHasTheEntropyLogV) {
  const Logprobs found =
      linear_logprobs(at::ones({2, 3}), at::ones({50, 3}), i64({0, 49}), {.entropy = true, .chunk_elements = 1});
  EXPECT_TRUE(close(found.entropy, at::full({2}, std::log(50.0)), 1e-5));
  EXPECT_TRUE(close(found.logprobs, at::full({2}, -std::log(50.0)), 1e-5));
}

struct Precision {
  at::ScalarType dtype;
  double values, gradients;  // absolute
};

class LinearLogprobsPrecision : public ::testing::TestWithParam<Precision> {};

TEST_P(LinearLogprobsPrecision, EqualsPlainLogSoftmaxInValuesAndGradients) {
  const auto [dtype, values, gradients] = GetParam();
  const Problem problem = make_problem(37, 16, 101, dtype);
  const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets,
                                         {.temperature = 1.7, .entropy = true, .chunk_elements = 500});
  const at::Tensor hidden = leaf(problem.hidden);
  const at::Tensor head = leaf(problem.head);
  const Logprobs expected = plain(hidden, head, problem.targets, 1.7);
  EXPECT_EQ(found.logprobs.scalar_type(), dtype == at::kDouble ? at::kDouble : at::kFloat);
  EXPECT_TRUE(close(found.logprobs, expected.logprobs, values));
  EXPECT_TRUE(close(found.entropy, expected.entropy, values));

  const Tensors grads = torch::autograd::grad({weigh(found)}, {problem.hidden, problem.head});
  const Tensors expected_grads = torch::autograd::grad({weigh(expected)}, {hidden, head});
  EXPECT_EQ(grads[0].scalar_type(), dtype);
  EXPECT_TRUE(close(grads[0], expected_grads[0], gradients, gradients));
  EXPECT_TRUE(close(grads[1], expected_grads[1], gradients, gradients));
}

TEST_P(LinearLogprobsPrecision, BackwardInOnePassEqualsTheDifferentiableOne) {
  const auto [dtype, values, gradients] = GetParam();
  const Problem one = make_problem(23, 9, 50, dtype);
  const Problem other{leaf(one.hidden.detach().clone()), leaf(one.head.detach().clone()), one.targets};
  const at::Tensor weights = normal({23}, 4, dtype == at::kDouble ? at::kDouble : at::kFloat);
  LogprobOptions options{.temperature = 0.7, .entropy = true, .correct = true, .chunk_elements = 7 * 50};
  const auto loss = [&](const at::Tensor& logprobs, std::int64_t begin, std::int64_t end) {
    return logprobs.square().mul(weights.slice(0, begin, end)).sum();
  };
  // mul(1): a hidden state that came from something, as in a model
  const Logprobs fused = backward_through_logprobs(one.hidden.mul(1), one.head, one.targets, options, loss);
  const Logprobs apart = linear_logprobs(other.hidden, other.head, other.targets, options);
  loss(apart.logprobs, 0, 23).backward();
  EXPECT_TRUE(close(fused.logprobs, apart.logprobs, values));
  EXPECT_TRUE(close(fused.entropy, apart.entropy, values));
  EXPECT_TRUE(fused.correct.equal(apart.correct));
  EXPECT_TRUE(close(one.hidden.grad(), other.hidden.grad(), gradients, gradients));
  EXPECT_TRUE(close(one.head.grad(), other.head.grad(), gradients, gradients));
}

// Groups of 3, 2, 0, 9 (more than a chunk) and 9 rows, whose loss is the square of their sum.
TEST_P(LinearLogprobsPrecision, BackwardInOnePassKeepsGroupsTogether) {
  const auto [dtype, values, gradients] = GetParam();
  const Problem one = make_problem(23, 9, 50, dtype);
  const Problem other{leaf(one.hidden.detach().clone()), leaf(one.head.detach().clone()), one.targets};
  const LogprobOptions options{.chunk_elements = 7 * 50};
  const std::vector<std::int64_t> ends = {3, 5, 5, 14, 23};
  std::vector<std::int64_t> chunk_ends;
  const auto loss = [&](const at::Tensor& logprobs, std::int64_t begin, std::int64_t end) {
    chunk_ends.push_back(end);
    at::Tensor sum = at::zeros({}, logprobs.options());
    std::int64_t first = 0;  // of the group
    for (const std::int64_t last : ends) {
      if (first >= begin && last <= end)
        sum = sum.add(logprobs.slice(0, first - begin, last - begin).sum().mul(0.1).square());
      first = last;
    }
    return sum;
  };
  backward_through_logprobs(one.hidden.mul(1), one.head, one.targets, options, loss, 0, ends);
  EXPECT_EQ(chunk_ends, (std::vector<std::int64_t>{5, 14, 23}));
  const Logprobs apart = linear_logprobs(other.hidden, other.head, other.targets, options);
  loss(apart.logprobs, 0, 23).backward();
  EXPECT_TRUE(close(one.hidden.grad(), other.hidden.grad(), gradients, gradients));
  EXPECT_TRUE(close(one.head.grad(), other.head.grad(), gradients, gradients));
}

TEST_P(LinearLogprobsPrecision, BackwardInOnePassAddsTheGradientOfTheEntropy) {
  const auto [dtype, values, gradients] = GetParam();
  const Problem one = make_problem(23, 9, 50, dtype);
  const Problem other{leaf(one.hidden.detach().clone()), leaf(one.head.detach().clone()), one.targets};
  const LogprobOptions options{.temperature = 0.7, .entropy = true, .chunk_elements = 7 * 50};
  const auto loss = [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); };
  backward_through_logprobs(one.hidden.mul(1), one.head, one.targets, options, loss, -0.3);
  const Logprobs apart = plain(other.hidden, other.head, other.targets, 0.7);
  apart.logprobs.sum().sub(apart.entropy.sum(), 0.3).backward();
  EXPECT_TRUE(close(one.hidden.grad(), other.hidden.grad(), gradients, gradients));
  EXPECT_TRUE(close(one.head.grad(), other.head.grad(), gradients, gradients));
}

// bfloat16 keeps 8 bits: a logit of size 10 is off by up to 0.03.
INSTANTIATE_TEST_SUITE_P(Dtypes, LinearLogprobsPrecision,
                         ::testing::Values(Precision{at::kDouble, 1e-12, 1e-12}, Precision{at::kFloat, 1e-5, 1e-5},
                                           Precision{at::kBFloat16, 0.06, 0.05}),
                         [](const auto& test) { return std::string(c10::toString(test.param.dtype)); });

TEST(LinearLogprobs, GradientOfTheEntropyBonusEqualsCentralDifferences) {
  const Problem problem = make_problem(5, 3, 7, at::kDouble);
  const LogprobOptions options{.temperature = 1.3, .logit_cap = 4, .entropy = true, .chunk_elements = 2 * 7};
  const auto loss = [](const at::Tensor& logprobs, auto, auto) { return logprobs.square().sum(); };
  backward_through_logprobs(problem.hidden.mul(1), problem.head, problem.targets, options, loss, -0.2);
  const auto value = [&] {
    const Logprobs now = linear_logprobs(problem.hidden, problem.head, problem.targets, options);
    return now.logprobs.square().sum().sub(now.entropy.sum(), 0.2);
  };
  for (const at::Tensor& input : {problem.hidden, problem.head})
    for (std::int64_t i = 0; i < input.numel(); ++i)
      EXPECT_NEAR(input.grad().view({-1})[i].item<double>(), testing::central_difference(value, input, i, 1e-5), 1e-7);
}

TEST(LinearLogprobs, BackwardInOnePassTakesAFrozenTrunkAndNoRows) {
  const auto sum = [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); };
  const Problem problem = make_problem(6, 5, 11, at::kFloat);
  backward_through_logprobs(problem.hidden.detach(), problem.head, problem.targets, {}, sum);
  EXPECT_TRUE(problem.head.grad().defined());
  EXPECT_FALSE(problem.hidden.grad().defined());
  const Problem none = make_problem(0, 5, 11, at::kFloat);
  backward_through_logprobs(none.hidden.mul(1), none.head, none.targets, {}, sum);
  EXPECT_EQ(none.head.grad().abs().sum().item<float>(), 0.0F);
}

TEST(LinearLogprobs, RefuseTargetsOutsideTheVocabulary) {
  const Problem problem = make_problem(3, 5, 11, at::kFloat);
  for (const std::int64_t outside : {-100, 11}) {
    EXPECT_ANY_THROW(linear_logprobs(problem.hidden, problem.head, i64({1, outside, 2})));
  }
}

TEST(LinearLogprobs, GradientsOfTheLogprobsEqualCentralDifferences) {
  const Problem problem = make_problem(5, 4, 7, at::kDouble);
  EXPECT_TRUE(testing::gradcheck(
      [&](const Tensors& x) {
        return weigh(linear_logprobs(x[0], x[1], problem.targets, {.temperature = 0.7, .chunk_elements = 14}));
      },
      {problem.hidden, problem.head}));
}

TEST(LinearLogprobs, GradientsOfTheEntropyEqualCentralDifferences) {
  const Problem problem = make_problem(5, 4, 7, at::kDouble);
  const LogprobOptions options{.temperature = 0.7, .entropy = true, .chunk_elements = 14};
  const auto entropy_alone = [&](const Tensors& x) {
    return linear_logprobs(x[0], x[1], problem.targets, options).entropy.mul(normal({5}, 6)).sum();
  };
  const auto both = [&](const Tensors& x) { return weigh(linear_logprobs(x[0], x[1], problem.targets, options)); };
  EXPECT_TRUE(testing::gradcheck(entropy_alone, {problem.hidden, problem.head}));
  EXPECT_TRUE(testing::gradcheck(both, {problem.hidden, problem.head}));
}

TEST(LinearLogprobs, DoNotDependOnTheChunkSize) {
  const Problem problem = make_problem(13, 8, 20, at::kDouble);
  const auto run = [&](std::int64_t chunk_elements) {
    const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets,
                                           {.entropy = true, .chunk_elements = chunk_elements});
    Tensors all = torch::autograd::grad({weigh(found)}, {problem.hidden, problem.head});
    all.insert(all.end(), {found.logprobs.detach(), found.entropy.detach()});
    return all;
  };
  const Tensors whole = run(1 << 20);
  for (const std::int64_t chunk_elements : {1, 20, 59, 60, 240, 260}) {  // 1, 1, 2, 3, 12 and 13 rows
    const Tensors chunked = run(chunk_elements);
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(close(chunked[i], whole[i], 1e-12)) << chunk_elements;
  }
}

TEST(LinearLogprobs, NeverHoldRowsTimesVocabulary) {
  constexpr std::int64_t kRows = 256, kWidth = 4, kVocabulary = 1000, kChunkRows = 4;
  constexpr std::int64_t kChunkBytes = kChunkRows * kVocabulary * 4;
  const Problem problem = make_problem(kRows, kWidth, kVocabulary, at::kFloat);
  const testing::AllocationWatch watch;
  const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets,
                                         {.entropy = true, .chunk_elements = kChunkRows * kVocabulary});
  torch::autograd::grad({weigh(found)}, {problem.hidden, problem.head});
  // A chunk's logits are the largest thing, with slack for the allocator; a handful of them live at once.
  EXPECT_LE(watch.largest(), kChunkBytes + 64);
  EXPECT_LT(watch.peak(), 6 * kChunkBytes + 20 * kRows * kWidth * 4);
  EXPECT_GT(watch.largest(), 0);
}

TEST(AllocationWatch, SeesThePlainWayHoldRowsTimesVocabulary) {
  const Problem problem = make_problem(256, 4, 1000, at::kFloat);
  const testing::AllocationWatch watch;
  plain(problem.hidden, problem.head, problem.targets, 1.0);
  EXPECT_GE(watch.largest(), 256 * 1000 * 8);
}

TEST(LinearLogprobs, KeepOnlyTheResultUnderNoGrad) {
  const Problem problem = make_problem(256, 4, 1000, at::kFloat);
  const c10::NoGradGuard no_grad;
  const testing::AllocationWatch watch;
  const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets, {.chunk_elements = 4000});
  EXPECT_FALSE(found.logprobs.requires_grad());
  EXPECT_LE(watch.alive(), 256 * 4 + 64);
}

TEST(LinearLogprobs, SkipTheGradientThatNobodyAsksFor) {
  const Problem problem = make_problem(9, 4, 11, at::kDouble);
  const auto value = [&](const at::Tensor& hidden, const at::Tensor& head) {
    return weigh(linear_logprobs(hidden, head, problem.targets, {.chunk_elements = 30}));
  };
  const Tensors both = torch::autograd::grad({value(problem.hidden, problem.head)}, {problem.hidden, problem.head});
  const at::Tensor fixed_hidden = problem.hidden.detach();
  const at::Tensor fixed_head = problem.head.detach();
  EXPECT_TRUE(close(torch::autograd::grad({value(problem.hidden, fixed_head)}, {problem.hidden})[0], both[0], 0));
  EXPECT_TRUE(close(torch::autograd::grad({value(fixed_hidden, problem.head)}, {problem.head})[0], both[1], 0));
  EXPECT_FALSE(value(fixed_hidden, fixed_head).requires_grad());
}

TEST(LinearLogprobs, SayWhereTheTargetIsTheLikeliest) {
  // Rows of hidden are the logits themselves, for the head is the identity.
  const at::Tensor hidden = leaf(f64({3, 1, 2, 1, 3, 2}).view({2, 3}));
  const at::Tensor head = f64({1, 0, 0, 0, 1, 0, 0, 0, 1}).view({3, 3});
  for (const bool entropy : {false, true}) {
    const Logprobs found = linear_logprobs(hidden, head, i64({0, 2}), {.entropy = entropy, .correct = true});
    EXPECT_TRUE(close(found.correct, f64({1, 0}), 0));
    EXPECT_FALSE(found.correct.requires_grad());
    // The gradient is the one without it.
    const Logprobs plain_found = linear_logprobs(hidden, head, i64({0, 2}), {.entropy = entropy});
    EXPECT_TRUE(close(torch::autograd::grad({weigh(found)}, {hidden})[0],
                      torch::autograd::grad({weigh(plain_found)}, {hidden})[0], 0));
  }
}

TEST(LinearLogprobs, AnEntropyThatIsOnlyWatchedChangesNoGradient) {
  const Problem problem = make_problem(9, 4, 11, at::kDouble);
  const auto grads = [&](bool entropy) {
    const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets, {.entropy = entropy});
    return torch::autograd::grad({found.logprobs.sum()}, {problem.hidden, problem.head});
  };
  const Tensors watched = grads(true), without = grads(false);
  EXPECT_TRUE(close(watched[0], without[0], 0) && close(watched[1], without[1], 0));
}

TEST(LinearLogprobs, OfNoRowsAreEmptyWithZeroGradients) {
  const Problem problem = make_problem(0, 4, 11, at::kFloat);
  const Logprobs found = linear_logprobs(problem.hidden, problem.head, problem.targets, {.entropy = true});
  EXPECT_EQ(found.logprobs.numel(), 0);
  EXPECT_EQ(found.entropy.numel(), 0);
  const Tensors grads = torch::autograd::grad({weigh(found)}, {problem.hidden, problem.head});
  EXPECT_TRUE(close(grads[1], at::zeros({11, 4}), 0));
}

TEST(LinearLogprobs, AddUpTheHeadGradientInFloat32) {
  // 1,024 equal rows in 1,024 chunks. In bfloat16, 1 + 1 + … stops growing at 256.
  constexpr std::int64_t kRows = 1024;
  const at::Tensor hidden = at::ones({kRows, 1}).to(at::kBFloat16);
  const at::Tensor head = leaf(at::zeros({2, 1}).to(at::kBFloat16));
  head.mutable_grad() = at::zeros({2, 1}, at::kFloat);  // how the optimizer keeps gradients of bfloat16 weights
  const at::Tensor targets = at::zeros({kRows}, at::kLong);
  linear_logprobs(hidden, head, targets, {.chunk_elements = 1}).logprobs.sum().backward();
  EXPECT_EQ(head.grad().scalar_type(), at::kFloat);
  EXPECT_TRUE(close(head.grad().view({-1}), f64({512, -512}), 0.0, 1e-3));  // each row: 1 − ½ and −½
}

TEST(LinearLogprobs, StayFiniteForLogitsOfAThousand) {
  const at::Tensor hidden = leaf(testing::f32({1000, -1000}).view({2, 1}));
  const at::Tensor head = leaf(testing::f32({1, 0, -1}).view({3, 1}));
  const Logprobs found = linear_logprobs(hidden, head, i64({0, 0}), {.entropy = true});
  EXPECT_TRUE(close(found.logprobs, f64({0, -2000}), 1e-3));
  EXPECT_TRUE(close(found.entropy, f64({0, 0}), 1e-6));
  const Tensors grads = torch::autograd::grad({weigh(found)}, {hidden, head});
  EXPECT_TRUE(grads[0].isfinite().all().item<bool>());
  EXPECT_TRUE(grads[1].isfinite().all().item<bool>());
}

TEST(LinearLogprobs, RefuseShapesAndDtypesThatDoNotFit) {
  const at::Tensor hidden = at::zeros({3, 4});
  const at::Tensor head = at::zeros({5, 4});
  EXPECT_THROW(linear_logprobs(hidden, at::zeros({5, 3}), i64({0, 0, 0})), ShapeError);
  EXPECT_THROW(linear_logprobs(hidden, head, i64({0, 0})), ShapeError);
  EXPECT_THROW(linear_logprobs(hidden, head.to(at::kDouble), i64({0, 0, 0})), ShapeError);
}

}  // namespace
}  // namespace rlhf
