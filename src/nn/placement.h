#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/core/Tensor.h>

#include "nn/weight_source.h"

namespace rlhf {

/// How loaded or drawn weights become leaves.
struct Placement {
  at::Device device;
  at::ScalarType dtype;
  bool requires_grad;
  std::shared_ptr<WeightSupply> supply = nullptr;  ///< of a decoder whose weights are not always there

  /// Concatenates the rows of `parts`, copying each at most once.
  Weight weight(at::TensorList parts) const;
  WeightSource source(std::function<at::Tensor(const WeightRequest&)> read) const;
};

/// Throws unless weights can be on `device` in `dtype`.
void check_placement(at::Device device, at::ScalarType dtype);

/// normal(0, std) on the host in fp32: a pure function of (seed, stream), independent of device, dtype and threads.
at::Tensor draw_normal(at::IntArrayRef sizes, double std, std::uint64_t seed, std::uint64_t stream);
/// uniform(−bound, bound), in the same way.
at::Tensor draw_uniform(at::IntArrayRef sizes, double bound, std::uint64_t seed, std::uint64_t stream);
/// A new scalar head for hidden states of `width`, [1,width]: normal(0, 1/√(width+1)). The head is small and determines
/// the score, so it is float32 for every compute dtype.
at::Tensor new_score(std::int64_t width, std::uint64_t seed);

}  // namespace rlhf
