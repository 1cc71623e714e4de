#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

/// An accelerator for tests on a machine without a GPU. It is LibTorch's device type PrivateUse1, with two devices
/// whose operators compute on the CPU. It is as strict as a GPU where the library could make a mistake:
///   - the host cannot read or write its memory (pretend_memory.h);
///   - operators refuse tensors on different devices;
///   - every transfer between host and device, and every operator that waits for the device, is counted.
/// Packed attention is CUDA's varlen operator, with CUDA's conditions.
namespace rlhf::testing {

/// The accelerator of this machine: CUDA's first GPU, or else the pretend device, which the first call installs.
at::Device test_accelerator();

/// What happened between host and device since the program began.
struct Traffic {
  std::int64_t uploads = 0;                   ///< copies from the host to the device
  std::map<std::string, std::int64_t> stops;  ///< how often the host waited for the device, by what it waited for

  std::int64_t num_stops() const;
  std::string text() const;  ///< "item 2, copy to the host 1"
};
Traffic operator-(Traffic after, const Traffic& before);
Traffic traffic();

/// For the parts of the pretend device.
namespace pretend {

constexpr int kDevices = 2;
void count_upload();
void count_stop(const std::string& by);
/// Registers its operators with LibTorch's dispatcher.
void install_operators();

}  // namespace pretend
}  // namespace rlhf::testing
