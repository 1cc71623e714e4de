#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/config/optimizer_options.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/parameter.h"

namespace rlhf {

/// AdamW with fp32 masters, moments and accumulated gradients, whatever the compute dtype.
///   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·(wd·w + m̂ / (√v̂ + eps))
/// Where parameters are float32 they are their own masters. Source: arXiv:1711.05101, algorithm 2.
class AdamW {
 public:
  AdamW(const Parameters& parameters, const OptimizerOptions& options);

  /// Zeroes the fp32 gradients (allocated once; backward adds into them in place).
  void zero_grad();
  /// Clips the global norm to options.max_grad_norm on the device (no sync) and steps with `lr`. Returns the norm
  /// before clipping, fp32 scalar on the device. A non-finite norm skips the update; the caller sees it in the norm.
  at::Tensor step(double lr);

  /// fp32 weights under their names (views of the masters).
  NamedTensors weights() const;
  /// Masters, moments and step count, for checkpoints; restore with restore_tensors() and then reload().
  NamedTensors state() const;
  /// After restoring state(): writes the compute-dtype parameters from the masters.
  void reload();
  std::int64_t bytes() const;  ///< masters, moments, gradients

 private:
  at::Tensor step_by_kernel(double lr);
  at::Tensor step_by_operator(double lr);
  /// The fused step of all parameters with (or without) weight decay.
  void update(bool decay, double lr, const at::Tensor& found_inf);

  Parameters parameters_;
  OptimizerOptions options_;
  std::vector<at::Tensor> masters_, gradients_, exp_avgs_, exp_avg_sqs_;
  at::Tensor step_count_;
};

}  // namespace rlhf
