#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/config/optimizer_options.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/trained_weights.h"

namespace rlhf {

struct MomentCodes;

/// AdamW with float32 masters for every compute dtype, and moments in float32 or in bytes (OptimizerOptions::moments).
///   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·(wd·w + m̂ / (√v̂ + eps))
/// with m̂ = m/c₁, v̂ = v/c₂, c_i = 1 − β_iᵗ; with AdamEpsStyle::tensorflow the last term is √c₂/c₁·m / (√v + eps).
/// Weight decay does not apply to norms and biases (Parameter::decay), but to the bias of an output head, which is a
/// column of it. Source: arXiv:1711.05101, algorithm 2.
class AdamW {
 public:
  /// `weights` must outlive the optimizer. Throws ArgumentError for options out of range, and so does step() for `lr`.
  AdamW(TrainedWeights& weights, const OptimizerOptions& options);
  ~AdamW();

  /// Clips the global norm of the gradients to options.max_grad_norm, updates the masters with learning rate `lr`, and
  /// writes the leaves. Returns the norm before clipping as a float32 scalar on the device, without synchronising
  /// (with AdamEpsStyle::tensorflow it waits for the step count). If the norm is not finite, no weight changes.
  at::Tensor step(double lr);
  /// The same in a shard, which does not have all gradients: `squares` are Σ g² over those of all processes, as
  /// sum_of_squares() gives those of this one, a float64 scalar on the device. Updates only the own elements.
  at::Tensor step(double lr, const at::Tensor& squares);
  at::Tensor sum_of_squares() const;

  TrainedWeights& weights() { return weights_; }
  /// Masters, moments and step count, for checkpoints; restore with restore_tensors(), then weights().write_leaves().
  NamedTensors state() const;
  std::int64_t bytes() const;  ///< size of the moments

 private:
  bool has_kernel() const;
  at::Tensor step_by_kernel(double lr, double norm);
  at::Tensor step_by_operator(double lr, const at::Tensor& norm);
  /// Runs LibTorch's fused step for all weights with (or without) weight decay.
  void update(bool decay, double lr, double eps, const at::Tensor& found_inf);
  /// The same for one weight with moments in bytes.
  void update_bytes(std::size_t index, double lr, double eps, const at::Tensor& found_inf);

  TrainedWeights& weights_;
  OptimizerOptions options_;
  std::vector<at::Tensor> exp_avgs_, exp_avg_sqs_;  // one per weight, if they are float32
  std::vector<MomentCodes> codes_;                  // one per weight, if they are bytes
  at::Tensor step_count_;
};

/// Clips the gradients g₁ and g₂ of two models as one optimizer for both does: multiplies them by
/// min(1, max_norm / √(‖g₁‖² + ‖g₂‖²)), or leaves them with `max_norm` 0. Neither is above max_norm then, so that AdamW
/// with the same limit does not clip again. `squares` are ‖g₁‖² and ‖g₂‖², as of AdamW::sum_of_squares(). Returns the
/// norms before, float32 scalars on the device. If one is not finite, all gradients become NaN, so that AdamW::step()
/// changes neither model.
std::array<at::Tensor, 2> clip_together(TrainedWeights& first, TrainedWeights& second,
                                        const std::array<at::Tensor, 2>& squares, double max_norm);

}  // namespace rlhf
