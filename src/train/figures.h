#pragma once

#include <array>
#include <cstddef>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

namespace rlhf {

/// Running sums on the device that are read together, so that a step synchronises only once.
template <std::size_t N>
class DeviceSums {
 public:
  explicit DeviceSums(at::Device device) : sums_(at::zeros({N}, at::TensorOptions(device).dtype(at::kDouble))) {}
  void add(std::size_t i, const at::Tensor& value) { sums_[static_cast<std::int64_t>(i)].add_(value.detach()); }
  std::array<double, N> fetch() const {
    const at::Tensor host = sums_.cpu();
    std::array<double, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = host.const_data_ptr<double>()[i];
    return out;
  }

 private:
  at::Tensor sums_;
};

}  // namespace rlhf
