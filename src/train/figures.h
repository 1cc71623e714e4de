#pragma once

#include <array>
#include <cstddef>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include "rlhf/dist/ranks.h"

namespace rlhf {

/// Figures of a step that are computed on the device and read together, so that the step waits for the device once.
template <std::size_t N>
class DeviceFigures {
 public:
  explicit DeviceFigures(at::Device device) : figures_(at::zeros({N}, at::TensorOptions(device).dtype(at::kDouble))) {}
  void add(std::size_t i, const at::Tensor& value) { at(i).add_(value.detach()); }
  void put(std::size_t i, const at::Tensor& value) { at(i).copy_(value.detach()); }
  /// Sums the first `count` figures over all ranks.
  void sum(const Ranks& ranks, std::size_t count = N) {
    ranks.sum(figures_.narrow(0, 0, static_cast<std::int64_t>(count)), "figures");
  }
  std::array<double, N> fetch() const {
    const at::Tensor host = figures_.cpu();
    std::array<double, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = host.const_data_ptr<double>()[i];
    return out;
  }

 private:
  at::Tensor at(std::size_t i) { return figures_[static_cast<std::int64_t>(i)]; }

  at::Tensor figures_;
};

}  // namespace rlhf
