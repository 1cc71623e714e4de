// The choice of the device on a machine with GPUs.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <c10/core/impl/FakeGuardImpl.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/tensor/rank_device.h"

#include "support/named_gpus.h"
#include "tensor/cuda_accelerator.h"

namespace rlhf {
namespace {

using testing::NamedGpus;

using Guard = c10::impl::FakeGuardImpl<NamedGpus::kType>;  // LibTorch's own, for tests: it has 8 devices
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

class ChooseDevice : public ::testing::Test {
 protected:
  ChooseDevice() {
    unsetenv("LOCAL_RANK");
    Guard::setDeviceIndex(0);
    set_log_sink([this](LogLevel, std::string_view line) { log_.emplace_back(line); });
  }
  ~ChooseDevice() override {
    unsetenv("LOCAL_RANK");
    set_accelerator(cuda_accelerator());
    set_log_sink({});
  }

  void have(int gpus, Absence absence = {}) { set_accelerator(gpus_.emplace(gpus, std::move(absence))); }
  static Compute choose(const std::string& device, DtypeChoice dtype = DtypeChoice::float32) {
    return resolve_compute(DeviceChoice::of_text(device).value(), dtype);
  }
  static Compute choose_for(const std::string& device, const RankPlace& place) {
    return resolve_compute(DeviceChoice::of_text(device).value(), DtypeChoice::float32, place);
  }
  static std::string fault(const std::string& device, DtypeChoice dtype = DtypeChoice::float32) {
    return fault_of([&] { choose(device, dtype); });
  }
  static std::string fault_for(const std::string& device, const RankPlace& place) {
    return fault_of([&] { choose_for(device, place); });
  }
  template <typename Call>
  static std::string fault_of(const Call& call) {
    try {
      call();
    } catch (const DeviceError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::device);
      return error.what();
    }
    return "";
  }

  std::optional<NamedGpus> gpus_;
  std::vector<std::string> log_;
};

TEST_F(ChooseDevice, TakesTheGpuOfTheIndexAndMakesItTheCurrentOne) {
  have(2);
  const Compute compute = choose("cuda:1");
  EXPECT_EQ(compute.device, at::Device(NamedGpus::kType, 1));
  EXPECT_EQ(compute.reason, "cuda:1 (GPU 1): requested; float32: requested");
  EXPECT_EQ(Guard::getDeviceIndex(), 1);
}

TEST_F(ChooseDevice, TakesTheFirstGpuWithoutAnIndex) {
  have(2);
  EXPECT_EQ(choose("cuda").reason, "cuda:0 (GPU 0): requested; float32: requested");
  EXPECT_EQ(choose("auto").reason, "cuda:0 (GPU 0): a GPU is available; float32: requested");
}

TEST_F(ChooseDevice, TakesTheGpuOfLocalRank) {
  have(4);
  setenv("LOCAL_RANK", "3", 1);
  for (const char* device : {"auto", "cuda"}) {
    const Compute compute = choose(device);
    EXPECT_EQ(compute.device, at::Device(NamedGpus::kType, 3));
    EXPECT_EQ(compute.reason, "cuda:3 (GPU 3): the GPU of LOCAL_RANK; float32: requested");
  }
  EXPECT_EQ(choose("cuda:1").device.index(), 1) << "the config is stronger";
  EXPECT_EQ(choose("cpu").device, at::kCPU);
}

TEST_F(ChooseDevice, RefusesALocalRankThatIsNoIndexOfAGpu) {
  have(2);
  for (const std::string rank : {"2", "-1", "one", "", "1.5", "99999999999"}) {
    setenv("LOCAL_RANK", rank.c_str(), 1);
    for (const char* device : {"auto", "cuda"})
      EXPECT_EQ(fault(device), "LOCAL_RANK: expected a whole number below 2, the number of GPUs, found \"" + rank +
                                   "\"; hint: start one process per GPU, or choose one with device cuda:N");
  }
  have(0);
  EXPECT_EQ(choose("auto").device, at::kCPU);
}

// Without the variable, which mpirun and srun do not set.
TEST_F(ChooseDevice, GivesEachRankTheGpuOfItsLocalRank) {
  have(4);
  for (const char* device : {"auto", "cuda"}) {
    const Compute compute = choose_for(device, {.rank = 7, .size = 8, .local_rank = 3, .local_size = 4});
    EXPECT_EQ(compute.device, at::Device(NamedGpus::kType, 3));
    EXPECT_EQ(compute.reason, "cuda:3 (GPU 3): the GPU of local rank 3; float32: requested");
    EXPECT_EQ(Guard::getDeviceIndex(), 3);
  }
  EXPECT_EQ(choose_for("cuda:2", {.rank = 1, .size = 2}).device.index(), 2) << "the only rank of its machine";
  EXPECT_EQ(choose_for("cpu", {.rank = 1, .size = 8, .local_rank = 1, .local_size = 8}).device, at::kCPU);
}

TEST_F(ChooseDevice, RefusesRanksWithoutAGpuOfTheirOwn) {
  have(2);
  for (const char* device : {"auto", "cuda"}) {
    const std::string hint = " ranks of this machine, found 2; hint: start fewer ranks, or set the device to cpu";
    EXPECT_EQ(fault_for(device, {.rank = 0, .size = 4, .local_rank = 0, .local_size = 4}),
              "device: expected a GPU for each of the 4" + hint);
    EXPECT_EQ(fault_for(device, {.rank = 2, .size = 4, .local_rank = 2}),
              "device: expected a GPU for each of the 3" + hint)
        << "srun does not tell how many there are";
  }
  EXPECT_EQ(fault_for("cuda:1", {.rank = 1, .size = 2, .local_rank = 1, .local_size = 2}),
            "device: expected cuda, a GPU for each of the 2 ranks of this machine, found cuda:1");
  have(0, {"no NVIDIA driver", "install it"});
  EXPECT_EQ(choose_for("auto", {.rank = 1, .size = 2, .local_rank = 1, .local_size = 2}).device, at::kCPU);
  EXPECT_EQ(fault_for("cuda", {.rank = 1, .size = 2, .local_rank = 1, .local_size = 2}),
            "device: expected a GPU, found no NVIDIA driver; hint: install it");
}

TEST_F(ChooseDevice, RefusesAnIndexThatNoGpuHas) {
  have(2);
  EXPECT_EQ(fault("cuda:7"), "device: expected cuda:N with N below 2, the number of GPUs, found cuda:7");
  EXPECT_EQ(fault("cuda:256"), "device: expected cuda:N with N below 2, the number of GPUs, found cuda:256");
  EXPECT_EQ(Guard::getDeviceIndex(), 0) << "no other device was touched";
}

TEST_F(ChooseDevice, SaysWhyAGpuCannotBeUsed) {
  have(9);  // more than LibTorch's guard has
  const std::string found = fault("cuda:8");
  EXPECT_TRUE(found.starts_with("device: expected to use cuda:8, found: ")) << found;
  EXPECT_EQ(found.find('\n'), std::string::npos) << found;
}

TEST_F(ChooseDevice, SaysWhyThereIsNone) {
  have(0, {"no NVIDIA driver", "install it"});
  for (const char* device : {"cuda", "cuda:0"})
    EXPECT_EQ(fault(device), "device: expected a GPU, found no NVIDIA driver; hint: install it");
  EXPECT_EQ(choose("auto").reason, "cpu: no CUDA device; float32: requested");
  EXPECT_EQ(log_, std::vector<std::string>{});
}

TEST_F(ChooseDevice, WarnsIfAutoLeavesAGpuUnused) {
  have(0, {"an old driver", "update it", /*unexpected=*/true});
  EXPECT_EQ(choose("auto").reason, "cpu: no CUDA device (found an old driver); float32: requested");
  EXPECT_EQ(log_,
            std::vector<std::string>{"device: the CPU is used: expected a GPU, found an old driver; hint: update it"});
  log_.clear();
  choose("cpu");
  EXPECT_EQ(log_, std::vector<std::string>{});
}

TEST_F(ChooseDevice, RefusesBfloat16WhereTheGpuHasNone) {
  have(2);
  EXPECT_EQ(fault("cuda:0", DtypeChoice::bfloat16),
            "dtype: expected a GPU that computes bfloat16 (sm_80 or newer), found GPU 0 (sm_75); hint: set dtype to "
            "float32");
  EXPECT_EQ(choose("cuda:0", DtypeChoice::auto_).dtype, at::kFloat);
  const Compute compute = choose("cuda:1", DtypeChoice::auto_);
  EXPECT_EQ(compute.dtype, at::kBFloat16);
  EXPECT_EQ(compute.reason, "cuda:1 (GPU 1): requested; bfloat16: the GPU is sm_90");
}

}  // namespace
}  // namespace rlhf
