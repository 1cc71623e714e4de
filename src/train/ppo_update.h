#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/train/plan.h"

namespace rlhf {

/// 0..B-1.
std::vector<std::size_t> all_sequences(const Rollout& rollout);

/// Groups of `sequences` that go through a model together: at most plan.micro_batch_tokens tokens each.
std::vector<std::vector<std::size_t>> micro_batches(const Rollout& rollout, std::span<const std::size_t> sequences,
                                                    const PpoPlan& plan);

/// Log-probabilities of the response tokens of `sequences` under `model`, at `temperature`: [R] fp32, zero for the
/// tokens of other sequences. No gradient.
at::Tensor logprobs_of(CausalLM& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                       double temperature, const PpoPlan& plan);
/// The same for the value model, read at the predicting rows.
at::Tensor values_of(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const PpoPlan& plan);

}  // namespace rlhf
