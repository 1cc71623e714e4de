#pragma once

#include <chrono>
#include <utility>

#include "rlhf/tensor/device.h"

namespace rlhf {

/// Seconds since the last call, once the device has finished its work.
class StageClock {
 public:
  explicit StageClock(at::Device device) : device_(device), last_(std::chrono::steady_clock::now()) {}
  double lap() {
    synchronize(device_);
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  at::Device device_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace rlhf
