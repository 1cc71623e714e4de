#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"
#include "rlhf/nn/parameter.h"

namespace rlhf {

/// The weights of a model that is trained: leaves, float32 masters, float32 gradients, which of them are frozen, and
/// the names that files use. Backward adds to the gradients (tensor/gradient.h), an optimizer steps the masters, and
/// saving reads them. P: all trained elements, each weight's padded to a multiple of 16.
///
/// A weight is frozen if its leaf does not require a gradient: it has no master and no gradient, and files get its
/// value as it is. The leaves are shared with the model that `parameters` came from.
class TrainedWeights {
 public:
  /// One weight that is trained. `gradient` is a view of gradients(); `master` is `leaf` itself where that is float32.
  struct Weight {
    Parameter parameter;
    at::Tensor leaf, master, gradient;
  };

  /// Allocates the gradients, sets them to zero and makes them the grad() of the leaves. Throws CheckFailed if all
  /// parameters are frozen.
  explicit TrainedWeights(const Parameters& parameters);
  TrainedWeights(const TrainedWeights&) = delete;
  TrainedWeights& operator=(const TrainedWeights&) = delete;

  /// The weights that are trained, in the order of the parameters.
  const std::vector<Weight>& weights() const { return weights_; }
  /// All gradients, [P] float32.
  const at::Tensor& gradients() const { return gradients_; }
  void zero_gradients();
  /// Rounds the masters to the leaves' dtype, after a step or a restore.
  void write_leaves();

  /// What a model folder holds: masters and frozen values under the names and in the layout of files. Views.
  NamedTensors file_tensors() const;
  /// Masters and gradients, in bytes.
  std::int64_t bytes() const;

 private:
  Parameters parameters_;
  std::vector<Weight> weights_;
  at::Tensor gradients_;
};

}  // namespace rlhf
