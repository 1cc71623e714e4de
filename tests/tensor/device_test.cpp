#include "rlhf/tensor/device.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "tensor/accelerator.h"

namespace rlhf {
namespace {

bool cpu_has(const std::string& flag) {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(" " + flag) != std::string::npos;
}

TEST(ResolveCompute, TakesWhatWasAskedForAndSaysSo) {
  const Compute compute = resolve_compute(DeviceChoice::cpu, DtypeChoice::float32);
  EXPECT_EQ(compute.device, at::kCPU);
  EXPECT_EQ(compute.dtype, at::kFloat);
  EXPECT_EQ(compute.reason, "cpu: requested; float32: requested");
  EXPECT_EQ(resolve_compute(DeviceChoice::cpu, DtypeChoice::bfloat16).dtype, at::kBFloat16);
}

TEST(ResolveCompute, AutoTakesBfloat16WhereTheCpuMultipliesIt) {
  const bool multiplies = cpu_has("avx512_bf16") || cpu_has("amx_bf16") || cpu_has("bf16");
  const Compute compute = resolve_compute(DeviceChoice::cpu, DtypeChoice::auto_);
  EXPECT_EQ(compute.dtype, multiplies ? at::kBFloat16 : at::kFloat) << compute.reason;
}

TEST(ResolveCompute, AutoTakesTheGpuIfThereIsOne) {
  const Compute compute = resolve_compute(DeviceChoice::auto_, DtypeChoice::auto_);
  EXPECT_EQ(compute.device.is_cuda(), accelerator().count() > 0) << compute.reason;
}

TEST(ResolveCompute, RefusesAGpuThatIsNotThere) {
  if (accelerator().count() > 0) GTEST_SKIP() << "a GPU is available";
  EXPECT_THROW(resolve_compute(DeviceChoice::cuda, DtypeChoice::auto_), DeviceError);
}

TEST(ResolveCompute, KeepsSumsOfProductsInFloat32AndAttentionFromCudnn) {
  at::Context& context = at::globalContext();
  context.setAllowBF16ReductionCuBLAS(true);
  context.setSDPUseCuDNN(true);
  resolve_compute(DeviceChoice::auto_, DtypeChoice::auto_);
  EXPECT_EQ(context.allowBF16ReductionCuBLAS(), at::CuBLASReductionOption::DisallowReducedPrecisionAllowSplitK);
  EXPECT_FALSE(context.userEnabledCuDNNSDP());
  EXPECT_FALSE(context.allowTF32CuBLAS());
}

TEST(Memory, PeakGrowsWithWhatIsTouched) {
  constexpr std::int64_t kBytes = 64 << 20;
  const std::int64_t before = peak_memory_bytes(at::kCPU);
  std::vector<char> block(2 * kBytes);
  std::memset(block.data(), 1, block.size());
  const volatile char* touched = block.data();
  EXPECT_EQ(touched[kBytes], 1);
  EXPECT_GT(peak_memory_bytes(at::kCPU), before + kBytes);
  EXPECT_LT(peak_memory_bytes(at::kCPU), installed_memory_bytes(at::kCPU));
}

TEST(InstructionSet, NamesTheArchitectureOnOneLine) {
  const std::string text = instruction_set(at::kCPU);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find("avx512_bf16") != std::string::npos, cpu_has("avx512_bf16")) << text;
}

}  // namespace
}  // namespace rlhf
