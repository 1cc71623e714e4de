#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/rollout/sampling.h"

namespace rlhf {

/// Throws ArgumentError for options of a draw that are out of range.
void check_sampling(const SamplingOptions& options);

/// sample_tokens() without checks, for a loop that has checked its arguments and checks the log-probabilities itself.
Sampled draw_tokens(const at::Tensor& logits, const at::Tensor& uniforms, const SamplingOptions& options);

}  // namespace rlhf
