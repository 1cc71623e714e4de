#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// The pairs of an evaluation. `scores` are those of the texts of `samples`, [texts] fp32 on the host.
std::vector<EvaluatedPair> evaluated_pairs(const std::vector<const RankedSample*>& samples, const at::Tensor& scores);

}  // namespace rlhf
