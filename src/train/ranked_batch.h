#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// A micro-batch of samples.
struct RankedBatch {
  PackedBatch packed;
  at::Tensor rows;              ///< [texts] int64: where each text is scored
  at::Tensor chosen, rejected;  ///< [pairs] int64: indices into the texts
  at::Tensor margin, weight;    ///< [pairs] fp32
};

/// What all texts of a sample begin with is laid down and computed once, where the attention can read a prefix (on a
/// CPU). A pair's weight is 1 / the pairs of its sample.
RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device);

}  // namespace rlhf
