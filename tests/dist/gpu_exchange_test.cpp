// Exchanges between GPUs, each rank a thread with a GPU of its own.
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "rlhf/core/error.h"

#include "dist/exchange.h"
#include "support/misuse.h"
#include "support/rank_threads.h"

namespace rlhf {
namespace {

int num_gpus() { return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; }

at::Device use_gpu(int index) {
  const at::Device gpu(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(gpu);
  return gpu;
}

/// A vector whose sum over ranks is exact in every order.
at::Tensor numbers(at::Device gpu, at::ScalarType dtype, int rank) {
  return at::arange(1000, at::TensorOptions(gpu).dtype(dtype)).mul(rank + 1);
}

// One rank is its own neighbour: NCCL is loaded, connects, and gives back what it was given.
TEST(GpuExchange, OfOneRankKeepsWhatItHas) {
  if (num_gpus() == 0) GTEST_SKIP() << "needs a GPU and a build with CUDA";
  const at::Device gpu = use_gpu(0);
  prepare_nccl();
  const auto exchange = nccl_exchange(c10::make_intrusive<c10d::HashStore>(), RankPlace());
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kLong}) {
    const at::Tensor values = numbers(gpu, dtype, 0);
    exchange->sum(values)();
    exchange->gather_parts(values)();
    EXPECT_TRUE(values.cpu().equal(at::arange(1000, dtype)));
  }
  const at::Tensor values = numbers(gpu, at::kFloat, 0), total = values.clone();
  exchange->sum_of_parts(values, values)();
  EXPECT_TRUE(values.equal(total));
  exchange->sum_of_parts(values, total)();
  EXPECT_TRUE(total.equal(values.mul(2)));
  exchange->finish();
}

TEST(GpuExchange, SumsPartsAndGathersThem) {
  const int size = num_gpus();
  if (size < 2) GTEST_SKIP() << "needs two GPUs and a build with CUDA";
  testing::Failures failures;
  std::vector<at::Tensor> sums(static_cast<std::size_t>(size));
  testing::run_ranks(size, failures, [&](const Ranks& ranks) {
    const at::Device gpu = use_gpu(ranks.rank());
    const std::int64_t factor = size * (size + 1) / 2, part = 3, begin = part * ranks.rank();
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kLong}) {
      const at::Tensor values = numbers(gpu, dtype, ranks.rank());
      ranks.sum(values, "values");
      EXPECT_TRUE(values.cpu().equal(at::arange(1000, dtype).mul(factor))) << dtype;
    }
    const at::Tensor expected = at::arange(part * size, at::kFloat).mul(factor);
    const at::Tensor values = at::arange(part * size, at::TensorOptions(gpu).dtype(at::kFloat)).mul(ranks.rank() + 1);
    const at::Tensor total = at::full({part}, 1000, values.options()), rounded = values.to(at::kBFloat16);
    ranks.start_sum_of_parts(rounded, total, "gradients")();
    EXPECT_TRUE(total.cpu().equal(expected.narrow(0, begin, part).add(1000)));
    ranks.start_sum_of_parts(values, values.narrow(0, begin, part), "gradients")();
    EXPECT_TRUE(values.narrow(0, begin, part).cpu().equal(expected.narrow(0, begin, part)));
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const at::Tensor parts = at::full({part * size}, -1, at::TensorOptions(gpu).dtype(dtype));
      parts.narrow(0, begin, part).copy_(expected.narrow(0, begin, part));
      ranks.start_gather_parts(parts, "weights")();
      EXPECT_TRUE(parts.cpu().equal(expected.to(dtype)));
    }
    // Sums of floats depend on their order, which must not differ between ranks; CPU tensors go beside them.
    const at::Tensor fractions = at::arange(777, at::TensorOptions(gpu).dtype(at::kFloat)).add(1).reciprocal();
    ranks.sum(fractions.pow_(ranks.rank() + 0.3), "values");
    sums[static_cast<std::size_t>(ranks.rank())] = fractions.cpu();
    const at::Tensor on_cpu = at::full({1}, 1.0, at::kDouble);
    ranks.sum(on_cpu, "figures");
    EXPECT_EQ(on_cpu.item<double>(), size);
  });
  EXPECT_TRUE(failures.lines.empty()) << failures.lines.front();
  for (const at::Tensor& other : sums) EXPECT_TRUE(other.equal(sums.front()));
}

// A rank ends while the kernels of the others wait for it, and does not keep them from ending.
TEST(GpuExchange, AnExceptionOfOneEndsAll) {
  const int size = num_gpus();
  if (size < 2) GTEST_SKIP() << "needs two GPUs and a build with CUDA";
  testing::Failures failures;
  testing::run_ranks(size, failures, [&](const Ranks& ranks) {
    const at::Device gpu = use_gpu(ranks.rank());
    const at::Tensor values = at::full({10}, 1.0F, at::TensorOptions(gpu));
    ranks.sum(values, "weights");
    if (ranks.rank() == 1) ranks.report_failure("the model is not finite");
    if (ranks.rank() != 1) ranks.sum(values, "gradients");
    throw RankError("its own end");
  });
  EXPECT_TRUE(failures.have("its own end"));
}

#ifndef RLHF_CUDA
TEST(GpuExchange, NeedsABuildWithCuda) {
  testing::expect_misuse<DeviceError>("device: expected cpu for several ranks in a build without CUDA, found a GPU",
                                      [] { nccl_exchange(c10::make_intrusive<c10d::HashStore>(), RankPlace()); });
}
#endif

}  // namespace
}  // namespace rlhf
