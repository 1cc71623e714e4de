#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// A micro-batch of pairs and rankings.
struct RankedBatch {
  PackedBatch packed;
  at::Tensor rows;              ///< [texts] int64: the row at which each text is scored
  at::Tensor chosen, rejected;  ///< [pairs] int64: indices into the texts
  PairLabels labels;            ///< [pairs] fp32; target, evidence and trust are undefined if all are the defaults
};

/// Packs samples. The common beginning of the texts of a sample is packed and computed once, as a prefix, if the
/// attention supports prefixes (on a CPU). A pair counts 1 / number of pairs of its sample, times its weight.
RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device);

/// The tokens that make_ranked_batch packs, as a share of the tokens of all texts.
double packed_share(const std::vector<RankedSample>& samples, at::Device device);

}  // namespace rlhf
