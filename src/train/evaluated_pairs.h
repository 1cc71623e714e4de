#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/train/run_options.h"

#include "ranked_batch.h"

namespace rlhf {

/// Collects the pairs of an evaluation. Their margins stay on the device until they are fetched.
class EvaluatedPairs {
 public:
  /// A micro-batch: its samples, and the scores of their texts, [texts].
  void add(const std::vector<const RankedSample*>& samples, const RankedBatch& batch, const at::Tensor& scores);
  std::vector<EvaluatedPair> fetch();

 private:
  std::vector<EvaluatedPair> pairs_;
  std::vector<at::Tensor> margins_;
  std::map<TokenIds, std::int32_t> prompts_;
};

}  // namespace rlhf
