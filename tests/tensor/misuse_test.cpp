// Wrong calls of packed batches, products and log-probabilities.
#include "support/misuse.h"

#include <limits>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/device.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/gradient.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/packed_batch.h"

#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::f32;
using testing::i64;
using testing::leaf;
using testing::normal;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const at::Tensor hidden() { return normal({3, 4}, 1, at::kFloat); }
const at::Tensor head() { return normal({5, 4}, 2, at::kFloat); }
const at::Tensor targets() { return i64({0, 4, 2}); }

TEST(TensorMisuse, LinearLogprobs) {
  const auto call = [](const at::Tensor& h, const at::Tensor& w, const at::Tensor& t, const LogprobOptions& options) {
    return [=] { linear_logprobs(h, w, t, options); };
  };
  expect_misuse<ArgumentError>("targets: expected numbers from 0 to 4, found 5",
                               call(hidden(), head(), i64({0, 5, 2}), {}));
  expect_misuse<ArgumentError>("targets: expected numbers from 0 to 4, found -1",
                               call(hidden(), head(), i64({0, -1, 2}), {}));
  expect_misuse<ShapeError>("targets: expected Long, found Float", call(hidden(), head(), f32({0, 1, 2}), {}));
  expect_misuse<ShapeError>("targets: expected Long, found Int", call(hidden(), head(), targets().to(at::kInt), {}));
  expect_misuse<ShapeError>("targets: expected [3], found [2]", call(hidden(), head(), i64({0, 1}), {}));
  expect_misuse<ShapeError>("targets: expected a tensor on cpu, found one on meta",
                            call(hidden(), head(), targets().to(at::kMeta), {}));
  expect_misuse<ShapeError>("head: expected Float, found Double",
                            call(hidden(), head().to(at::kDouble), targets(), {}));
  expect_misuse<ShapeError>("hidden: expected floating-point numbers, found Long",
                            call(hidden().to(at::kLong), head().to(at::kLong), targets(), {}));
  expect_misuse<ShapeError>("head: expected [any, 4], found [5, 3]",
                            call(hidden(), normal({5, 3}, 1, at::kFloat), targets(), {}));
  expect_misuse<ArgumentError>("temperature: expected above 0, found -1",
                               call(hidden(), head(), targets(), {.temperature = -1}));
  expect_misuse<ArgumentError>("temperature: expected above 0, found 0",
                               call(hidden(), head(), targets(), {.temperature = 0}));
  expect_misuse<ArgumentError>("temperature", call(hidden(), head(), targets(), {.temperature = kNan}));
  expect_misuse<ArgumentError>("logit_cap", call(hidden(), head(), targets(), {.logit_cap = -1}));
  expect_misuse<ArgumentError>("chunk_elements", call(hidden(), head(), targets(), {.chunk_elements = 0}));
  expect_misuse<ArgumentError>("logit_cap: expected at least 0, found -2", [] { soft_cap(f32({1}), -2); });
}

TEST(TensorMisuse, ATargetThatIsNotDenseIsReadAsItIs) {
  const at::Tensor wide = i64({0, 9, 4, 9, 2, 9}).view({3, 2}).select(1, 0);
  EXPECT_TRUE(testing::close(linear_logprobs(hidden(), head(), wide).logprobs,
                             linear_logprobs(hidden(), head(), targets()).logprobs, 0));
}

TEST(TensorMisuse, BackwardThroughLogprobs) {
  const auto call = [](const RowLoss& loss) {
    return [=] { backward_through_logprobs(leaf(hidden()), leaf(head()), targets(), {}, loss); };
  };
  expect_misuse<ArgumentError>("loss: expected a function, found none", call(RowLoss()));
  expect_misuse<ShapeError>("loss: expected a scalar", call([](const at::Tensor& x, auto, auto) { return x.neg(); }));
  expect_misuse<ShapeError>("loss: expected a scalar",
                            call([](const at::Tensor&, auto, auto) { return at::Tensor(); }));
  expect_misuse<ArgumentError>("loss: expected a function of the log-probabilities",
                               call([](const at::Tensor& x, auto, auto) { return x.detach().sum(); }));
  for (const std::vector<std::int64_t>& ends : {std::vector<std::int64_t>{1, 2}, {2, 1, 3}, {-1, 3}, {4}})
    expect_misuse<ArgumentError>("group_ends: expected ascending rows up to 3, found others", [&] {
      backward_through_logprobs(
          leaf(hidden()), leaf(head()), targets(), {}, [](const at::Tensor& x, auto, auto) { return x.sum(); }, 0,
          ends);
    });
  const at::Tensor other = leaf(f32({1}));
  expect_misuse<ArgumentError>("loss: expected a function of the log-probabilities",
                               call([&](const at::Tensor&, auto, auto) { return other.sum(); }));
}

TEST(TensorMisuse, Products) {
  const at::NoGradGuard no_gradient;
  expect_misuse<ShapeError>("x: expected [any, 4], found [3, 5]", [] {
    apply_linear(normal({3, 5}, 1, at::kFloat), head());
  });
  expect_misuse<ShapeError>("x: expected [any, 4], found [4]", [] { apply_linear(f32({1, 2, 3, 4}), head()); });
  expect_misuse<ShapeError>("x: expected Float, found Double", [] { apply_linear(hidden().to(at::kDouble), head()); });
  expect_misuse<ShapeError>("bias: expected [5], found [4]", [] { apply_linear(hidden(), head(), f32({1, 2, 3, 4})); });
  expect_misuse<ShapeError>("weight: expected [any, any], found no tensor", [] { apply_linear(hidden(), {}); });
  expect_misuse<ShapeError>("grad: expected [any, 5], found [3, 4]", [] { linear_input_gradient(hidden(), head()); });
  expect_misuse<ShapeError>("sum: expected [4, 4], found [5, 4]", [] { add_product(head(), hidden(), hidden()); });
  expect_misuse<ShapeError>("x: expected [3, any], found [5, 4]", [] { add_product(head(), hidden(), head()); });
  expect_misuse<ArgumentError>("tokens: expected numbers from 0 to 4, found 7", [] {
    add_rows(head(), i64({0, 7, 1}), hidden());
  });
  expect_misuse<ShapeError>("tensor: expected BFloat16, found Long", [] { with_element_type(i64({1}), [](auto) {}); });
  EXPECT_FALSE(has_fused(Fused::norm, at::Tensor()));
  EXPECT_FALSE(adds_in_place(at::Tensor()));
}

TEST(TensorMisuse, AWeightThatIsAViewGivesTheSameProduct) {
  const at::NoGradGuard no_gradient;
  const at::Tensor columns = normal({4, 5}, 3, at::kFloat);
  EXPECT_TRUE(testing::close(apply_linear(hidden(), columns.t()), hidden().matmul(columns), 1e-5));
}

TEST(TensorMisuse, Packing) {
  expect_misuse<ArgumentError>("budget: expected at least 1, found 0",
                               [] { pack_by_length(std::vector<std::int64_t>{3}, 0); });
  expect_misuse<ArgumentError>("lengths: expected numbers of at least 0, found -3",
                               [] { pack_by_length(std::vector<std::int64_t>{-3}, 8); });
  expect_misuse<ShapeError>("pack: expected at least one sequence", [] { pack(std::vector<TokenIds>{}, at::kCPU); });
  expect_misuse<ShapeError>("pack: expected tokens in sequence 1", [] {
    pack(std::vector<TokenIds>{{1}, {}}, at::kCPU);
  });
  expect_misuse<ArgumentError>("pack: sequence 0: expected token ids of at least 0, found -1", [] {
    pack(std::vector<TokenIds>{{1, -1}}, at::kCPU);
  });
  const std::vector<const TokenIds*> nothing{nullptr};
  expect_misuse<ShapeError>("found a null pointer", [&] { pack(nothing, at::kCPU); });
  const TokenIds ids{1, 2};
  const std::vector<Piece> odd{{ids, -5}};
  expect_misuse<ShapeError>("expected a prefix that is an earlier sequence",
                            [&] { pack(std::span<const Piece>(odd), at::kCPU); });
  expect_misuse<ShapeError>("segments: expected lengths >= 0", [] {
    make_segments(std::vector<std::int64_t>{2, -1}, at::kCPU);
  });
  expect_misuse<ShapeError>("segments: expected the bounds of sequences", [] { last_rows(Segments{}); });
  const Segments segments = make_segments(std::vector<std::int64_t>{2, 1}, at::kCPU);
  expect_misuse<ShapeError>("values: expected floating-point numbers, found Long", [&] {
    segment_sum(i64({1, 2, 3}), segments);
  });
  expect_misuse<ShapeError>("values: expected [3], found [2]", [&] { segment_sum(f32({1, 2}), segments); });
}

TEST(TensorMisuse, Devices) {
  expect_misuse<DeviceError>("device: expected cpu", [] { check_usable(at::kMeta); });
  expect_misuse<DeviceError>("device: expected cpu", [] { pack(std::vector<TokenIds>{{1}}, at::kMeta); });
  if (resolve_compute(DeviceChoice::auto_, DtypeChoice::float32).device.is_cuda()) GTEST_SKIP() << "a GPU is available";
  expect_misuse<DeviceError>("device: expected cpu", [] { pack(std::vector<TokenIds>{{1}}, at::kCUDA); });
  expect_misuse<DeviceError>("found cuda:0", [] { peak_memory_bytes(at::Device(at::kCUDA, 0)); });
}

TEST(TensorMisuse, ChecksThemselves) {
  expect_misuse<ShapeError>("x: expected floating-point numbers, found no tensor", [] { check_finite({}, "x"); });
  expect_misuse<ShapeError>("x: expected floating-point numbers, found Long", [] { check_finite(i64({1}), "x"); });
  EXPECT_NO_THROW(check_indices(i64({}), "i", 0, 5, at::kCPU));
}

}  // namespace
}  // namespace rlhf
