#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/causal_lm.h"

namespace rlhf {

using SampleSets = std::vector<const std::vector<RankedSample>*>;

/// The log-probabilities that the reference gives to the completions of sets of samples: a number for each text. They
/// are computed once, so that no reference model is in memory during training, and kept in checkpoints.
class ReferenceLogprobs {
 public:
  /// Of the texts of `sets`, which outlive this and do not change. Their numbers are 0 at first.
  explicit ReferenceLogprobs(const SampleSets& sets);

  /// Computes the numbers of some of the samples with the model of the reference. The ranks share the work.
  void compute(CausalLM& model, const std::vector<const RankedSample*>& samples, std::int64_t micro_batch_tokens,
               const Ranks& ranks);
  /// All samples.
  std::vector<const RankedSample*> samples() const;
  /// The numbers of the texts of one of these samples.
  std::span<float> of(const RankedSample& sample);
  /// All numbers, as a view.
  NamedTensors tensors() const { return {{"logprobs", values_}}; }
  /// A checksum of the texts and their prompts.
  std::uint32_t texts_checksum() const { return texts_checksum_; }

 private:
  struct Set {
    const std::vector<RankedSample>* samples;
    std::vector<std::size_t> first;  ///< [samples]: where its numbers are
  };
  std::vector<Set> sets_;
  at::Tensor values_;  ///< [texts] float32 on the host
  std::uint32_t texts_checksum_ = 0;
};

}  // namespace rlhf
