#include "rlhf/nn/attention.h"

#include <cmath>
#include <vector>

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "nn/split_heads.h"
#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::largest_difference;
using testing::relative_difference;

struct Inputs {
  at::Tensor q, k, v;
  Segments segments;
};

at::Tensor leaf(std::vector<std::int64_t> sizes, at::ScalarType dtype) {
  return at::randn(sizes, dtype).set_requires_grad(true);
}

Inputs random_inputs(const std::vector<std::int64_t>& lengths, std::int64_t heads, std::int64_t groups,
                     at::ScalarType dtype) {
  const Segments segments = make_segments(lengths, at::kCPU);
  const std::int64_t rows = segments.total();
  return {leaf({rows, heads, 6}, dtype), leaf({rows, groups, 6}, dtype), leaf({rows, groups, 6}, dtype), segments};
}

/// Two answers to each of two prompts, and a text that stands alone.
Segments segments_with_prefixes() {
  Segments segments = make_segments(std::vector<std::int64_t>{5, 3, 40, 7, 18, 1, 9}, at::kCPU);
  segments.prefixes = {-1, 0, 0, -1, -1, 4, 4};
  return segments;
}

TEST(ReferenceAttention, AveragesWhatCameBeforeWhenAllScoresAreEqual) {
  // q = 0 makes all scores 0, so row t of a segment is the mean of its values 0..t. Segments of 2 and 1.
  const Segments segments = make_segments(std::vector<std::int64_t>{2, 1}, at::kCPU);
  const at::Tensor q = at::zeros({3, 1, 1}), k = at::ones({3, 1, 1});
  const at::Tensor v = at::tensor({2.0F, 4.0F, 10.0F}).view({3, 1, 1});
  const at::Tensor expected = at::tensor({2.0F, 3.0F, 10.0F});
  EXPECT_LT(largest_difference(reference_attention(q, k, v, segments, {1.0}).flatten(), expected), 1e-6);
  EXPECT_LT(largest_difference(packed_attention(q, k, v, segments, {1.0}).flatten(), expected), 1e-6);
}

TEST(ReferenceAttention, ScalesScoresBeforeTheSoftmax) {
  // Second row: scores scale·1·{0, ln 3 / scale}: weights 1/4 and 3/4, so 2/4 + 4·3/4 = 3.5.
  const double scale = 0.5;
  const Segments segments = make_segments(std::vector<std::int64_t>{2}, at::kCPU);
  const at::Tensor q = at::ones({2, 1, 1});
  const at::Tensor k = at::tensor({0.0F, static_cast<float>(std::log(3.0) / scale)}).view({2, 1, 1});
  const at::Tensor v = at::tensor({2.0F, 4.0F}).view({2, 1, 1});
  EXPECT_NEAR(reference_attention(q, k, v, segments, {scale})[1].item<double>(), 3.5, 1e-6);
}

TEST(ReferenceAttention, AddsLinearBiases) {
  // q = 0, so the scores are the biases: slopes 2^(−8h/n) of the paper, for 3 heads those of 2 and the first of 4.
  const Segments segments = make_segments(std::vector<std::int64_t>{3}, at::kCPU);
  const at::Tensor q = at::zeros({3, 3, 2}), k = at::randn({3, 3, 2});
  const at::Tensor v = at::tensor({2.0F, 4.0F, 10.0F}).view({3, 1, 1}).expand({3, 3, 2}).contiguous();
  const AttentionRule rule{.scale = 1, .alibi = true};
  for (const auto& [head, slope] : {std::pair{0, 1.0 / 16}, std::pair{1, 1.0 / 256}, std::pair{2, 1.0 / 4}}) {
    const double one = std::exp(-slope), two = std::exp(-2 * slope);
    const double expected = (2 * two + 4 * one + 10) / (two + one + 1);
    EXPECT_NEAR(reference_attention(q, k, v, segments, rule)[2][head][0].item<double>(), expected, 1e-5) << head;
    EXPECT_NEAR(packed_attention(q, k, v, segments, rule)[2][head][0].item<double>(), expected, 1e-5) << head;
  }
}

TEST(PackedAttention, WithLinearBiasesEqualsPlainProducts) {
  const AttentionHeads heads{6, 2, 6};
  const Segments segments = segments_with_prefixes();
  for (const std::int64_t window : {0, 4}) {
    const AttentionRule rule{.scale = 0.7, .window = window, .alibi = true};
    const at::Tensor values = at::randn({segments.total(), heads.row()}), above = at::randn({segments.total(), 36});
    const at::Tensor judged = values.to(at::kDouble).set_requires_grad(true);
    const auto [q, k, v] = split_heads(judged, heads);
    const at::Tensor expected = reference_attention(q, k, v, segments, rule).flatten(1);
    expected.backward(above.to(at::kDouble));
    const at::Tensor qkv = values.clone().set_requires_grad(true);
    const at::Tensor found = packed_attention(qkv, heads, segments, rule);
    found.backward(above);
    EXPECT_LT(relative_difference(found, expected), 1e-5);
    EXPECT_LT(relative_difference(qkv.grad(), judged.grad()), 1e-5);
  }
}

TEST(PackedAttention, EqualsPlainProductsForwardAndBackward) {
  const std::vector<std::int64_t> lengths = {5, 5, 1, 1, 1, 9, 5, 70};
  for (const std::int64_t groups : {4, 2, 1}) {
    Inputs in = random_inputs(lengths, 4, groups, at::kDouble);
    const at::Tensor above = at::randn(in.q.sizes(), at::kDouble);
    packed_attention(in.q, in.k, in.v, in.segments, {0.7}).backward(above);
    Inputs same{in.q.detach().clone().set_requires_grad(true), in.k.detach().clone().set_requires_grad(true),
                in.v.detach().clone().set_requires_grad(true), in.segments};
    reference_attention(same.q, same.k, same.v, same.segments, {0.7}).backward(above);
    EXPECT_LT(relative_difference(packed_attention(in.q, in.k, in.v, in.segments, {0.7}),
                                  reference_attention(in.q, in.k, in.v, in.segments, {0.7})),
              1e-12)
        << groups;
    EXPECT_LT(relative_difference(in.q.grad(), same.q.grad()), 1e-11) << groups;
    EXPECT_LT(relative_difference(in.k.grad(), same.k.grad()), 1e-11) << groups;
    EXPECT_LT(relative_difference(in.v.grad(), same.v.grad()), 1e-11) << groups;
  }
}

TEST(PackedAttention, OfFusedRowsEqualsPlainProductsForwardAndBackward) {
  const AttentionHeads heads{4, 2, 6};
  for (const Segments& segments :
       {make_segments(std::vector<std::int64_t>{5, 5, 1, 70}, at::kCPU), segments_with_prefixes()}) {
    const at::Tensor values = at::randn({segments.total(), heads.row()}), above = at::randn({segments.total(), 24});
    const at::Tensor judged = values.to(at::kDouble).set_requires_grad(true);
    const auto [q, k, v] = split_heads(judged, heads);
    const at::Tensor expected = reference_attention(q, k, v, segments, {0.7}).flatten(1);
    expected.backward(above.to(at::kDouble));
    for (const auto& [dtype, tolerance] :
         {std::pair{at::kDouble, 1e-12}, std::pair{at::kFloat, 1e-5}, std::pair{at::kBFloat16, 2e-2}}) {
      const at::Tensor qkv = values.to(dtype).clone().set_requires_grad(true);
      const at::Tensor found = packed_attention(qkv, heads, segments, {0.7});
      found.backward(above.to(dtype));
      EXPECT_LT(relative_difference(found, expected), tolerance) << at::toString(dtype);
      EXPECT_LT(relative_difference(qkv.grad(), judged.grad()), tolerance) << at::toString(dtype);
    }
  }
}

/// Central difference of the loss in one element of `x`.
template <typename Loss>
double central_difference(at::Tensor& x, std::int64_t index, const Loss& loss) {
  constexpr double kStep = 1e-6;
  double* const element = x.mutable_data_ptr<double>() + index;
  const double middle = *element;
  *element = middle + kStep;
  const double above = loss();
  *element = middle - kStep;
  const double below = loss();
  *element = middle;
  return (above - below) / (2 * kStep);
}

TEST(PackedAttention, GradientsEqualCentralDifferences) {
  Inputs in = random_inputs({3, 3, 1, 4}, 2, 1, at::kDouble);
  const at::Tensor weights = at::randn(in.q.sizes(), at::kDouble);
  const auto loss = [&] { return packed_attention(in.q, in.k, in.v, in.segments, {0.4}).mul(weights).sum(); };
  loss().backward();
  for (at::Tensor* const input : {&in.q, &in.k, &in.v}) {
    at::Tensor values = input->detach();
    const at::Tensor gradient = input->grad().flatten();
    for (std::int64_t i = 0; i < values.numel(); i += 5) {
      EXPECT_NEAR(gradient[i].item<double>(), central_difference(values, i, [&] { return loss().item<double>(); }),
                  1e-7);
    }
  }
}

TEST(PackedAttention, TakesBfloat16AndGivesItBack) {
  Inputs in = random_inputs({5, 5, 2}, 4, 2, at::kBFloat16);
  const at::Tensor result = packed_attention(in.q, in.k, in.v, in.segments, {0.4});
  EXPECT_EQ(result.scalar_type(), at::kBFloat16);
  const at::Tensor wide =
      reference_attention(in.q.to(at::kFloat), in.k.to(at::kFloat), in.v.to(at::kFloat), in.segments, {0.4});
  EXPECT_LT(relative_difference(result, wide), 5e-3);
  result.sum().backward();
  EXPECT_EQ(in.q.grad().scalar_type(), at::kBFloat16);
}

TEST(PackedAttention, RefusesKeysOfAnotherWidthAndHeadsThatDoNotDivide) {
  const Inputs in = random_inputs({2, 3}, 4, 2, at::kFloat);
  testing::expect_error(
      [&] {
        packed_attention(in.q, leaf({5, 2, 8}, at::kFloat), in.v, in.segments, {1.0});
      },
      ExitCode::shape, {"k", "expected", "found [5, 2, 8]"});
  testing::expect_error(
      [&] {
        packed_attention(in.q, leaf({5, 3, 6}, at::kFloat), leaf({5, 3, 6}, at::kFloat), in.segments, {1.0});
      },
      ExitCode::shape, {"multiple of 3", "found 4"});
}

}  // namespace
}  // namespace rlhf
