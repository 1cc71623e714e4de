#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Linear biases of attention: slope_h · distance, for distances [...] between a key and its query (0 or less) and
/// `heads` heads: [heads,...] in `dtype`. Slopes are 2^(−8h/n), h = 1…n, for the largest power of two n
/// of at most `heads`; the other heads have every second slope of 2n. Source: arXiv:2108.12409.
at::Tensor alibi(const at::Tensor& distances, std::int64_t heads, at::ScalarType dtype);

}  // namespace rlhf
