#pragma once

#include <cstdint>
#include <span>
#include <string>
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

/// One sampled response as text.
struct ResponseRecord {
  std::string prompt;              ///< the prompt
  std::string response;            ///< the decoded tokens
  std::string record;              ///< the line of the data file that the prompt came from, as JSON
  Finish finish = Finish::length;  ///< whether a stop id ended it
};

/// A rollout with its texts, the reference's log-probabilities and the scores. Values, where a method has them, are
/// apart.
struct ScoredRollout {
  Rollout rollout;
  std::vector<ResponseRecord> responses;  ///< [B]
  at::Tensor ref_logprobs;                ///< [R] fp32
  at::Tensor scores;                      ///< [B] fp32, centred, missing-EOS rule applied
};

}  // namespace rlhf
