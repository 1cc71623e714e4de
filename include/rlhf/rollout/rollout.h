#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Prompts and their sampled responses, packed: B sequences with N tokens in total, R of which are response tokens.
struct Rollout {
  PackedBatch batch;                         ///< N tokens: prompt and response of every sequence
  std::vector<std::int64_t> prompt_lengths;  ///< [B] on the host
  Segments responses;                        ///< segments over R
  at::Tensor predictors;                     ///< [R] int64: the row of `batch` that predicts each response token
  at::Tensor tokens;                         ///< [R] int64: the response tokens
  at::Tensor logprobs;                       ///< [R] fp32: from the sampler, at the sampling temperature
  std::vector<Finish> finish;                ///< [B]
};

/// Packs prompt i with generation i. Throws ShapeError if the counts differ or a prompt or response is empty.
Rollout make_rollout(std::span<const TokenIds* const> prompts, std::span<const Generation> generations,
                     at::Device device);
/// Some sequences of a rollout (a mini-batch or a micro-batch), with r response tokens.
struct RolloutSlice {
  PackedBatch batch;
  Segments responses;     ///< segments over r
  at::Tensor predictors;  ///< [r] int64: rows of this slice's batch
  at::Tensor tokens;      ///< [r] int64
  at::Tensor rows;        ///< [r] int64: the index of each response token among the R of the whole rollout
};
/// Selects the sequences `indices`, in that order.
RolloutSlice slice_rollout(const Rollout& rollout, std::span<const std::size_t> indices);

/// A rollout with the outputs of reference, value model and reward source.
struct ScoredRollout {
  Rollout rollout;
  at::Tensor ref_logprobs;  ///< [R] fp32
  at::Tensor values;        ///< [R] fp32, at the row that predicts each response token
  at::Tensor scores;        ///< [B] fp32, centred, after the missing-EOS rule
};

/// The targets of the PPO update.
struct PpoBatch {
  at::Tensor old_values, rewards, advantages, returns;  ///< [R] fp32
};

}  // namespace rlhf
