#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"
#include "rlhf/nn/parameter.h"

namespace rlhf {

/// The weights of a model that is trained: leaves, float32 masters, float32 gradients, frozen weights, and the names in
/// files. The backward pass adds to the gradients (tensor/gradient.h), the optimizer updates the masters, and saving
/// reads them. P is the number of trained elements, with those of each weight padded to a multiple of 16.
///
/// A weight is frozen if its leaf does not require a gradient. It has no master and no gradient, and files get its
/// value. The leaves are shared with the model of `parameters`.
class TrainedWeights {
 public:
  /// A trained weight. `gradient` is a view of gradients(); `master` is `leaf` if that is float32.
  struct Weight {
    Parameter parameter;
    at::Tensor leaf, master, gradient;
  };

  /// Allocates the gradients, sets them to zero and makes them the grad() of the leaves. Throws ArgumentError if
  /// all parameters are frozen.
  explicit TrainedWeights(const Parameters& parameters);
  TrainedWeights(const TrainedWeights&) = delete;
  TrainedWeights& operator=(const TrainedWeights&) = delete;

  /// The trained weights, in the order of the parameters.
  const std::vector<Weight>& weights() const { return weights_; }
  /// All gradients, [P] float32.
  const at::Tensor& gradients() const { return gradients_; }
  void zero_gradients();
  /// Writes the masters to the leaves, rounded to their dtype; call it after a restore.
  void write_leaves();

  /// The tensors for a model folder: masters and values of frozen weights, with the names and layout of files. Views.
  NamedTensors file_tensors() const;
  /// The size of masters and gradients in bytes.
  std::int64_t bytes() const;

 private:
  Parameters parameters_;
  std::vector<Weight> weights_;
  at::Tensor gradients_;
};

}  // namespace rlhf
