#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
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
/// The responses that were packed: the inverse of make_rollout.
std::vector<Generation> generations_of(const Rollout& rollout);

/// A rollout with one more response row in each sequence that ended: the row of its last token, for a value after the
/// end. R' rows, of which R are those of the tokens; there `tokens` and `logprobs` are 0.
struct RowsAfterEnd {
  Rollout rollout;
  at::Tensor token_rows;  ///< [R] int64: the row of each response token among the R'
};
RowsAfterEnd add_rows_after_end(const Rollout& rollout);

/// Some sequences of a rollout (a mini-batch or a micro-batch), with r response tokens.
struct RolloutSlice {
  PackedBatch batch;
  Segments responses;     ///< segments over r
  at::Tensor predictors;  ///< [r] int64: rows of this slice's batch
  at::Tensor tokens;      ///< [r] int64
  at::Tensor rows;        ///< [r] int64: the index of each response token among the R of the whole rollout
};
/// Selects the sequences `indices`, in that order. Throws ArgumentError for an index outside the rollout, and
/// ShapeError if there is none.
RolloutSlice slice_rollout(const Rollout& rollout, std::span<const std::size_t> indices);
/// The rollout of these sequences alone. Errors: like slice_rollout.
Rollout select_sequences(const Rollout& rollout, std::span<const std::size_t> indices);

/// One sampled response as text.
struct ResponseRecord {
  std::string prompt;                      ///< the prompt
  std::string response;                    ///< the decoded tokens
  std::string record;                      ///< the record of the prompt as JSON text
  Finish finish = Finish::length;          ///< why the response ended
  std::optional<std::string> belief = {};  ///< what the asker believes, if it is known
  std::optional<double> repetition = {};   ///< repetition() of its tokens
};

/// The share of the 4-grams of a response that it already had before: 1 − different ones / all. nullopt for fewer than
/// four tokens. It is seq-rep-4 of Welleck et al., "Neural text generation with unlikelihood training"
/// (arXiv:1908.04319, section 6).
std::optional<double> repetition(std::span<const std::int32_t> tokens);

/// A rollout with its texts, the log-probabilities of the reference and the scores. It has no values, because not every
/// method has a value model.
struct ScoredRollout {
  Rollout rollout;
  std::vector<ResponseRecord> responses;  ///< [B]
  at::Tensor ref_logprobs;                ///< [R] fp32
  at::Tensor scores;                      ///< [B] fp32: Scores::values (train/on_policy.h)
};

}  // namespace rlhf
