#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// What the texts of a sample share, which is packed and computed once, as a prefix, if the attention supports prefixes
/// (on a CPU).
enum class SharedPart {
  beginning,  ///< their common beginning
  prompt,     ///< their prompt without its last token, so that every token of a completion has its own row before it
};

/// A micro-batch of pairs and rankings.
struct RankedBatch {
  PackedBatch packed;
  at::Tensor rows;              ///< int64: the rows whose hidden states are needed
  at::Tensor chosen, rejected;  ///< [pairs] int64: indices into the texts
  PairLabels labels;            ///< [pairs] fp32; target, evidence and trust are undefined if all are the defaults
};

/// A batch for scores: row t of `rows` is where text t is scored, [texts]. Shares SharedPart::beginning. A pair counts
/// 1 / number of pairs of its sample, times its weight.
RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device);

/// A batch for the log-probabilities of the completions: C tokens, those of text 0 first.
struct CompletionBatch : RankedBatch {
  at::Tensor targets;                    ///< [C] int64: the tokens that `rows` [C] predict
  Segments completions;                  ///< [texts] segments over C; one of a text without a predicted token is empty
  std::vector<std::int64_t> sample_end;  ///< [samples]: the number of tokens up to the end of each sample
};
/// The same with SharedPart::prompt. The first token of a text without a prompt has no row that predicts it.
CompletionBatch make_completion_batch(const std::vector<const RankedSample*>& samples, at::Device device);

/// The tokens that are packed, as a share of the tokens of all texts.
double packed_share(const std::vector<RankedSample>& samples, at::Device device, SharedPart part);

}  // namespace rlhf
