#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Prompts and their sampled responses, packed. B sequences, N tokens in all, R of them response tokens.
struct Rollout {
  PackedBatch batch;                         ///< prompt + response of every sequence
  std::vector<std::int64_t> prompt_lengths;  ///< [B] host
  Segments responses;                        ///< segments over R
  at::Tensor predictors;                     ///< [R] int64: row of `batch` that predicts each response token
  at::Tensor tokens;                         ///< [R] int64
  at::Tensor logprobs;                       ///< [R] fp32, the sampler's, at the sampling temperature
  std::vector<Finish> finish;                ///< [B]
};

Rollout make_rollout(std::span<const TokenIds* const> prompts, std::span<const Generation> generations,
                     at::Device device);
/// The sequences `indices` of a rollout as a rollout of their own (a mini-batch or a micro-batch), in that order.
/// `rows` [r] int64 selects their response tokens from tensors over R of the whole.
struct RolloutSlice {
  PackedBatch batch;
  Segments responses;
  at::Tensor predictors;  ///< rows of this slice's batch
  at::Tensor tokens;
  at::Tensor rows;  ///< indices into the whole rollout's R
};
RolloutSlice slice_rollout(const Rollout& rollout, std::span<const std::size_t> indices);

/// A rollout with what the models say of it.
struct ScoredRollout {
  Rollout rollout;
  at::Tensor ref_logprobs;  ///< [R] fp32
  at::Tensor values;        ///< [R] fp32, read at the predicting row
  at::Tensor scores;        ///< [B] fp32, centred, missing-EOS rule applied
};

/// What the update trains on.
struct PpoBatch {
  at::Tensor old_values, rewards, advantages, returns;  ///< [R] fp32
};

}  // namespace rlhf
