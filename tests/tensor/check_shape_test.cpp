#include "rlhf/tensor/check_shape.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/tensors.h"

namespace rlhf {
namespace {

template <typename Failure>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Failure& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CheckShape, AcceptsEqualSizesAndAnySizeForMinusOne) {
  EXPECT_NO_THROW(check_shape(at::zeros({3, 4}), "x", {3, 4}));
  EXPECT_NO_THROW(check_shape(at::zeros({3, 4}), "x", {-1, 4}));
  EXPECT_NO_THROW(check_shape(at::zeros({}), "x", {}));
}

TEST(CheckShape, SaysInOneLineWhatWasExpectedAndFound) {
  EXPECT_EQ(message_of<ShapeError>([] {
              check_shape(at::zeros({3, 5}), "hidden", {-1, 4});
            }),
            "hidden: expected [any, 4], found [3, 5]");
  EXPECT_EQ(message_of<ShapeError>([] {
              check_shape(at::zeros({3}), "hidden", {3, 1});
            }),
            "hidden: expected [3, 1], found [3]");
  EXPECT_EQ(message_of<ShapeError>([] { check_shape(at::Tensor(), "hidden", {3}); }),
            "hidden: expected [3], found no tensor");
}

TEST(CheckFinite, AcceptsFiniteNumbersAndNoNumbers) {
  EXPECT_NO_THROW(check_finite(testing::f32({0.0, -3e38}), "x"));
  EXPECT_NO_THROW(check_finite(at::zeros({0}), "x"));
}

TEST(CheckFinite, NamesTheFirstBadIndex) {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(message_of<NumericsError>([&] {
              check_finite(testing::f32({1, 2, infinity, nan}), "loss");
            }),
            "loss: expected finite numbers, found inf at index 2 of 4");
  EXPECT_EQ(message_of<NumericsError>([&] {
              check_finite(testing::f64({1, 2, nan}).view({3, 1}), "loss");
            }),
            "loss: expected finite numbers, found nan at index 2 of 3");
}

}  // namespace
}  // namespace rlhf
