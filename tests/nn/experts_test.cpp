#include "nn/experts.h"

#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::largest_difference;
using testing::relative_difference;

TEST(Experts, AreTheMostLikelyOnes) {
  // Probabilities 1/10, 4/10, 3/10, 2/10.
  const at::Tensor logits = at::tensor({1.0F, 4.0F, 3.0F, 2.0F}).log().unsqueeze(0);
  const Routing plain = route(logits, 2, /*normalized=*/false), whole = route(logits, 2, /*normalized=*/true);
  EXPECT_EQ(largest_difference(plain.experts, at::tensor({1, 2}).unsqueeze(0)), 0.0);
  EXPECT_LT(largest_difference(plain.weights, at::tensor({0.4F, 0.3F}).unsqueeze(0)), 1e-6);
  EXPECT_LT(largest_difference(whole.weights, at::tensor({4.0F / 7, 3.0F / 7}).unsqueeze(0)), 1e-6);
}

/// The sum over the experts of each token, one token and expert at a time.
at::Tensor one_by_one(const at::Tensor& x, const Routing& routing, const at::Tensor& matrices) {
  std::vector<at::Tensor> sums;
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    at::Tensor sum;
    for (std::int64_t j = 0; j < routing.experts.size(1); ++j) {
      const at::Tensor y = at::matmul(matrices[routing.experts[n][j].item<std::int64_t>()], x[n]).tanh();
      const at::Tensor weighted = y.mul(routing.weights[n][j]);
      sum = sum.defined() ? sum.add(weighted) : weighted;
    }
    sums.push_back(sum);
  }
  return at::stack(sums);
}

TEST(Experts, AddWhatEachTokenWouldGetAlone) {
  constexpr std::int64_t kTokens = 7, kWidth = 4, kExperts = 6;
  const at::Tensor values = at::randn({kTokens, kWidth}, at::kDouble);
  const at::Tensor above = at::randn({kTokens, kWidth}, at::kDouble);
  const at::Tensor matrices = at::randn({kExperts, kWidth, kWidth}, at::kDouble);
  at::Tensor scores = at::randn({kTokens, kExperts}, at::kDouble);
  scores.select(1, 3).fill_(-50.0);  // an expert that no token has
  const auto run = [&](at::ScalarType dtype, const auto& sum) {
    const at::Tensor x = values.to(dtype).clone().set_requires_grad(true);
    const at::Tensor logits = scores.clone().set_requires_grad(true);
    const at::Tensor y = sum(x, route(logits, 2, /*normalized=*/true), matrices.to(dtype));
    y.backward(above.to(y.scalar_type()));
    return std::vector<at::Tensor>{y, x.grad(), logits.grad()};
  };
  const auto together = [&](const at::Tensor& x, const Routing& routing, const at::Tensor& weights) {
    return mix_experts(x, routing, kExperts, [&](std::int64_t expert, const at::Tensor& rows) {
      return at::matmul(rows, weights[expert].t()).tanh();
    });
  };
  const auto expected = run(at::kDouble, one_by_one);
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kDouble, 1e-12}, std::pair{at::kFloat, 1e-5}, std::pair{at::kBFloat16, 3e-2}}) {
    const auto found = run(dtype, together);
    EXPECT_EQ(found[0].scalar_type(), dtype);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(relative_difference(found[i], expected[i]), tolerance) << at::toString(dtype) << " " << i;
  }
}

}  // namespace
}  // namespace rlhf
