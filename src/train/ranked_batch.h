#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// A micro-batch of pairs and rankings.
struct RankedBatch {
  PackedBatch packed;
  at::Tensor rows;              ///< [texts] int64: the row at which each text is scored
  at::Tensor chosen, rejected;  ///< [pairs] int64: indices into the texts
  at::Tensor margin, weight;    ///< [pairs] fp32
};

/// Packs samples. The common beginning of the texts of a sample is packed and computed once, as a prefix, if the
/// attention supports prefixes (on a CPU). The weight of a pair is 1 / number of pairs of its sample.
RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device);

/// The tokens that make_ranked_batch packs, as a share of the tokens of all texts.
double packed_share(const std::vector<RankedSample>& samples, at::Device device);

}  // namespace rlhf
