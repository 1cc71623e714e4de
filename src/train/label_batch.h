#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// A micro-batch of demonstrations: the packed sequences, the rows that predict a label, and the labels.
struct LabelBatch {
  PackedBatch packed;
  at::Tensor rows, targets;  ///< [labels] int64
};
LabelBatch make_label_batch(const std::vector<const Sample*>& samples, at::Device device);

}  // namespace rlhf
