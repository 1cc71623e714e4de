#pragma once

#include <functional>
#include <memory>

#include <ATen/core/Tensor.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "rlhf/core/rank_place.h"

namespace rlhf {

/// Exchanges tensors of one kind of device with the other ranks, as class Ranks (rlhf/dist/ranks.h) describes. Each
/// function starts an exchange and returns the wait for its end.
class Exchange {
 public:
  using Wait = std::function<void()>;

  virtual ~Exchange() = default;
  virtual Wait sum(const at::Tensor& values) = 0;
  virtual Wait sum_of_parts(const at::Tensor& values, const at::Tensor& total) = 0;
  virtual Wait gather_parts(const at::Tensor& values) = 0;
  /// Waits until everything that was started is over, and ends the connections. Without this call, as after a failure,
  /// the destructor ends them at once.
  virtual void finish() {}
};

/// For tensors on the CPU.
std::unique_ptr<Exchange> gloo_exchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place);

/// For tensors on CUDA GPUs; each rank has one of its own. Throws DeviceError in a build without CUDA.
std::unique_ptr<Exchange> nccl_exchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place);
/// Sets the variables of the environment that keep c10d's own watch over NCCL quiet. Call it before other threads run.
void prepare_nccl();

/// The part of a rank in `values` [size · s].
inline at::Tensor part_of(const at::Tensor& values, int rank, int size) {
  const auto part = values.numel() / size;
  return values.narrow(0, rank * part, part);
}

}  // namespace rlhf
