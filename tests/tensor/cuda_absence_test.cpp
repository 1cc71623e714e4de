// The statuses are values of cudaError_t and the versions those of cudaDriverGetVersion, as CUDA's documentation lists
// them.
#include "tensor/cuda_absence.h"

#include <gtest/gtest.h>

namespace rlhf {
namespace {

TEST(CudaAbsence, OfADriverIsNoFault) {
  const Absence absence = cuda_absence(35, "CUDA driver version is insufficient for CUDA runtime version", 0, 13000);
  EXPECT_EQ(absence.found, "no NVIDIA driver");
  EXPECT_EQ(absence.hint, "install it, or use device cpu");
  EXPECT_FALSE(absence.unexpected);
}

TEST(CudaAbsence, SaysWhatAnOldDriverLacks) {
  const Absence absence =
      cuda_absence(35, "CUDA driver version is insufficient for CUDA runtime version", 12040, 13000);
  EXPECT_EQ(absence.found, "an NVIDIA driver for CUDA 12.4, too old for this build, which needs CUDA 13.0");
  EXPECT_EQ(absence.hint, "update the driver, or use device cpu");
  EXPECT_TRUE(absence.unexpected);
  EXPECT_NE(cuda_absence(35, "", 11080, 12060).found.find("CUDA 11.8, too old for this build, which needs CUDA 12.6"),
            std::string::npos);
}

TEST(CudaAbsence, OfAGpuBesideADriverIsNoFault) {
  const Absence absence = cuda_absence(100, "no CUDA-capable device is detected", 13000, 13000);
  EXPECT_EQ(absence.found, "an NVIDIA driver without a GPU that this process may use");
  EXPECT_FALSE(absence.unexpected);
}

TEST(CudaAbsence, PassesOnWhatElseCudaSays) {
  const Absence absence =
      cuda_absence(803, "system has unsupported display driver / cuda driver combination", 13000, 13000);
  EXPECT_EQ(absence.found,
            "no usable GPU, CUDA error 803: system has unsupported display driver / cuda driver combination");
  EXPECT_TRUE(absence.unexpected);
}

}  // namespace
}  // namespace rlhf
