// The pretend device itself: it computes what the CPU computes, and refuses what a GPU refuses.
#include "pretend_device.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/nn/attention.h"
#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

using testing::traffic;

class PretendDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    device_ = testing::test_accelerator();
    if (device_.is_cuda()) GTEST_SKIP() << "a GPU is available, so the pretend device is not installed";
  }
  at::Device device_ = at::kCPU;
};

TEST_F(PretendDevice, ComputesWhatTheCpuComputes) {
  const at::Tensor a = at::randn({5, 7}), b = at::randn({7, 3});
  const at::Tensor result = at::softmax(at::matmul(a.to(device_), b.to(device_)), -1);
  EXPECT_EQ(result.device(), device_);
  EXPECT_TRUE(at::equal(result.cpu(), at::softmax(at::matmul(a, b), -1)));
  EXPECT_TRUE(at::equal(at::arange(5, at::TensorOptions(device_)).cpu(), at::arange(5)));
}

TEST_F(PretendDevice, GradientsAreTheCpus) {
  const auto gradient = [](at::Device device) {
    const at::Tensor x = at::arange(6, at::TensorOptions(at::kFloat)).view({2, 3}).to(device).set_requires_grad(true);
    x.transpose(0, 1).tanh().mul(2).sum().backward();
    return x.grad().cpu();
  };
  EXPECT_TRUE(at::equal(gradient(device_), gradient(at::kCPU)));
}

TEST_F(PretendDevice, CountsTransfersAndWaits) {
  const auto before = traffic();
  const at::Tensor x = at::ones({3}).to(at::TensorOptions(device_), /*non_blocking=*/true);
  const at::Tensor sum = x.add(1).sum();
  EXPECT_EQ((traffic() - before).uploads, 1);
  EXPECT_EQ((traffic() - before).num_stops(), 0);
  EXPECT_EQ(sum.item<float>(), 6);
  EXPECT_EQ(x.cpu().numel(), 3);
  EXPECT_EQ(x.nonzero().size(0), 3);
  at::ones({3}).to(device_);
  EXPECT_EQ((traffic() - before).text(), "aten::nonzero 1, blocking copy to the device 1, copy to the host 1, item 1");
}

TEST_F(PretendDevice, RefusesTensorsOnDifferentDevices) {
  const at::Tensor table = at::ones({4, 2}, at::TensorOptions(device_));
  EXPECT_THROW(at::index_select(table, 0, at::zeros({1}, at::kLong)), c10::Error);
  EXPECT_THROW(table.add(at::ones({4, 2})), c10::Error);
  EXPECT_THROW(table.add(at::ones({4, 2}, at::TensorOptions(at::Device(device_.type(), 1)))), c10::Error);
  EXPECT_TRUE(
      at::equal(table.mul(at::full({}, 2.0)).cpu(), at::ones({4, 2}).mul(2)));  // numbers of the host are accepted
}

class PretendDeviceDeathTest : public PretendDevice {
 protected:
  void SetUp() override {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";  // a fork would lack the threads of LibTorch
    PretendDevice::SetUp();
  }
};

TEST_F(PretendDeviceDeathTest, TheHostCannotReadItsMemory) {
  const at::Tensor x = at::ones({3}, at::TensorOptions(device_));
  EXPECT_EXIT(std::printf("%f", x.const_data_ptr<float>()[0]), ::testing::KilledBySignal(SIGSEGV),
              "the host accessed memory of the device");
  EXPECT_EXIT(x.mutable_data_ptr<float>()[2] = 1, ::testing::KilledBySignal(SIGSEGV),
              "the host accessed memory of the device");
}

TEST_F(PretendDevice, VarlenAttentionIsTheReference) {
  const Segments segments = make_segments(std::vector<std::int64_t>{5, 1, 9}, device_);
  const Segments on_host = make_segments(std::vector<std::int64_t>{5, 1, 9}, at::kCPU);
  for (const std::int64_t window : {0, 3}) {
    const AttentionRule rule{.scale = 0.3, .window = window};
    const auto leaf = [](std::int64_t heads) {
      return at::randn({15, heads, 8}).to(at::kBFloat16).set_requires_grad(true);
    };
    const at::Tensor q = leaf(4), k = leaf(2), v = leaf(2), weight = at::randn({15, 4, 8});
    const at::Tensor expected =
        reference_attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), on_host, rule);
    expected.mul(weight).sum().backward();
    const auto moved = [&](const at::Tensor& x) { return x.detach().to(device_).set_requires_grad(true); };
    const at::Tensor q2 = moved(q), k2 = moved(k), v2 = moved(v);
    ASSERT_TRUE(has_varlen_attention(q2));
    const at::Tensor found = packed_attention(q2, k2, v2, segments, rule);
    found.mul(weight.to(device_)).sum().backward();
    EXPECT_TRUE(found.to(at::kFloat).cpu().allclose(expected, 1e-2, 1e-2)) << "window " << window;
    for (const auto& [own, other] : {std::pair(q2, q), {k2, k}, {v2, v}})
      EXPECT_TRUE(own.grad().cpu().to(at::kFloat).allclose(other.grad().to(at::kFloat), 2e-2, 2e-2))
          << "window " << window;
  }
}

}  // namespace
}  // namespace rlhf
