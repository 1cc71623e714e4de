// Messages are those of LibTorch 2.11 and 2.13: the CPU's are caught here, CUDA's are copied from its sources.
#include "rlhf/tensor/out_of_memory.h"

#include <new>
#include <stdexcept>

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

namespace rlhf {
namespace {

template <typename Body>
std::optional<std::string> caught(Body&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return out_of_memory(error);
  }
  return "nothing was thrown";
}

TEST(OutOfMemory, OfTheCpuIsTold) {
  EXPECT_EQ(caught([] { throw std::runtime_error("could not create a primitive"); }), "memory");
  EXPECT_EQ(caught([] { at::empty({std::int64_t{1} << 60}, at::kByte); }), "1152921504606846976 bytes");
  EXPECT_EQ(caught([] { throw std::bad_alloc(); }), "memory");
  EXPECT_EQ(caught([] { throw std::bad_array_new_length(); }), "memory");
}

TEST(OutOfMemory, OfAGpuIsTold) {
  EXPECT_EQ(caught([] {
              TORCH_CHECK_WITH(OutOfMemoryError, false,
                               "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 1 has a total capacity of 79.10 "
                               "GiB of which 11.94 MiB is free.");
            }),
            "20.00 MiB");
  EXPECT_EQ(caught([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory."); }), "memory");
  EXPECT_EQ(caught([] { TORCH_CHECK(false, "CUDA error: out of memory\nCUDA kernel errors might be reported later"); }),
            "memory");
  EXPECT_EQ(caught([] { TORCH_CHECK(false, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"); }),
            "memory");
}

TEST(OutOfMemory, IsNothingElse) {
  EXPECT_EQ(caught([] { TORCH_CHECK(false, "CUDA error: an illegal memory access was encountered"); }), std::nullopt);
  EXPECT_EQ(caught([] { throw std::runtime_error("can't allocate memory"); }), std::nullopt);
}

}  // namespace
}  // namespace rlhf
