#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/optimizer.h"
#include "rlhf/nn/trained_weights.h"
#include "rlhf/nn/weight_gate.h"

namespace rlhf {

class GradientExchange;

/// Weights of which each rank keeps its part, for load_causal_lm() and the like; whole ones if there is one rank.
/// `whole`: WeightKeeping::whole. `ranks` must outlive what keeps them.
WeightKeeping keep_parts(const Ranks& ranks, bool whole = true);

/// A model that is trained: its weights and their optimizer. Several ranks have the same weights, each adds the
/// gradients of its part of a batch, and all make the same step. With Sharding::optimizer each rank has the masters and
/// moments of a part of the weights, updates that, and gets the rest of the others. With Sharding::gradients it also
/// keeps only the gradients of its part, and those of a few buckets while they are exchanged. With
/// Sharding::parameters that is also so for the weights: a WeightSupply gives the model those of a layer while it runs.
///
/// A step: zero_gradients(), backward passes, sum_gradients(), step().
class Trainee {
 public:
  /// `ranks` and `model` must outlive the object. `model`: whose parameters these are, for its supply and its gate, or
  /// null if it has neither.
  Trainee(const Parameters& parameters, const OptimizerOptions& options, const Ranks& ranks = one_rank(),
          Sharding sharding = Sharding::none, CausalLM* model = nullptr);
  ~Trainee();
  Trainee(Trainee&&) noexcept;

  TrainedWeights& weights() { return *weights_; }
  const TrainedWeights& weights() const { return *weights_; }
  AdamW& optimizer() { return *optimizer_; }

  void zero_gradients() { weights_->zero_gradients(); }
  /// Call these before each backward pass over a micro-batch, and after all of them; then the sums over the ranks begin
  /// while the `last` pass before a step goes on, each bucket as soon as its gradients are complete, and with
  /// Sharding::gradients and more in each pass. `more`: the passes that another rank makes, more than this one. No
  /// other exchange may come between them. Without these calls the sums begin in sum_gradients(), which
  /// Sharding::gradients and more do not allow on several ranks.
  void begin_pass(bool last);
  void end_passes(std::int64_t more, bool last);
  /// Waits for the sums of the gradients over the ranks, and starts them before if that has not been done. With a
  /// sharding, a rank gets only the sums that it needs.
  void sum_gradients();
  /// Σ g² of the summed gradients, a float64 scalar on the device.
  at::Tensor sum_of_squares() const;
  /// AdamW::step() with learning rate `lr`; then the weights of all ranks. If the model has a gate, they arrive while
  /// its next pass begins, and nobody else may read them before wait_for_weights(). Returns the norm of the gradients
  /// before clipping, a float32 scalar on the device.
  at::Tensor step(double lr);
  /// sum_gradients() and step(); waits for the device and returns the gradient norm. Throws as check_gradient_norm()
  /// does.
  double take_step(double lr, const std::string& name, std::int64_t step);

  /// Waits until the leaves have the weights of all ranks after step() or write_leaves().
  void wait_for_weights();
  /// Writes the leaves from the masters of all ranks, which arrive as after step(); call it after a restore.
  void write_leaves();
  /// The tensors for a model folder, TrainedWeights::file_tensors(). All ranks must take them, because each has a part.
  TensorStream file_tensors();

 private:
  WeightGate& gate() { return gate_ != nullptr ? *gate_ : own_gate_; }
  void gather_leaves();

  const Ranks& ranks_;
  std::shared_ptr<WeightSupply> supply_;
  WeightGate own_gate_;  ///< if the model has none
  WeightGate* gate_;     ///< null: own_gate_
  std::unique_ptr<TrainedWeights> weights_;
  std::unique_ptr<AdamW> optimizer_;
  std::unique_ptr<GradientExchange> exchange_;
};

/// Throws NumericsError unless `norm`, which Trainee::step() returned, is finite. A method that reads it from the
/// device together with its metrics calls this; the update itself was not made if the norm is not finite. `name`
/// ("policy") and `step` (0-based) are for the message.
void check_gradient_norm(double norm, const std::string& name, std::int64_t step);

}  // namespace rlhf
