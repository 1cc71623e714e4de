#include "rlhf/tensor/linear.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/gradcheck.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::leaf;
using testing::normal;

at::Tensor plain(const at::Tensor& x, const at::Tensor& weight) {
  return at::matmul(x.to(at::kDouble), weight.to(at::kDouble).t());
}

struct Case {
  at::ScalarType dtype;
  double tolerance;
};
constexpr Case kCases[] = {{at::kDouble, 1e-12}, {at::kFloat, 1e-4}, {at::kBFloat16, 0.2}};

TEST(ApplyLinear, EqualsThePlainProductForFewRowsAndMany) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] : kCases) {
    for (const std::int64_t rows : {1, 5, 64, 65, 300}) {
      const at::Tensor x = normal({rows, 40}, 1, dtype), weight = normal({23, 40}, 2, dtype);
      EXPECT_TRUE(close(apply_linear(x, weight), plain(x, weight), tolerance)) << rows;
    }
  }
}

TEST(ApplyLinear, GradientsEqualThePlainProducts) {
  for (const auto& [dtype, tolerance] : kCases) {
    const at::Tensor x = leaf(normal({70, 40}, 1, dtype)), weight = leaf(normal({23, 40}, 2, dtype));
    const at::Tensor above = normal({70, 23}, 3, dtype);
    apply_linear(x, weight).backward(above);
    EXPECT_TRUE(close(x.grad(), at::matmul(above.to(at::kDouble), weight.to(at::kDouble)), tolerance));
    EXPECT_TRUE(close(weight.grad(), plain(above.t(), x.t()), tolerance));
  }
}

TEST(ApplyLinear, AddsToAnOptimizersSumInFloat32) {
  // 256 + 1 is no bfloat16: the second product must not be rounded together with the first.
  const at::Tensor x = at::ones({256, 4}, at::kBFloat16), weight = leaf(at::ones({3, 4}, at::kBFloat16));
  weight.mutable_grad() = at::zeros({3, 4}, at::kFloat);
  apply_linear(x, weight).sum().backward();
  apply_linear(x.narrow(0, 0, 1), weight).sum().backward();
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
  EXPECT_TRUE(close(weight.grad(), at::ones({3, 4}).mul(257), 0));
}

}  // namespace
}  // namespace rlhf
