// The pairs of an evaluation of a reward model.
#include "evaluated_pairs.h"

#include <utility>

#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>

namespace rlhf {

void EvaluatedPairs::add(const std::vector<const RankedSample*>& samples, const RankedBatch& batch,
                         const at::Tensor& scores) {
  margins_.push_back(scores.index_select(0, batch.chosen).sub(scores.index_select(0, batch.rejected)));
  for (const RankedSample* sample : samples) {
    const TokenIds& text = sample->texts.front();
    const auto prompt = prompts_.try_emplace({text.begin(), text.begin() + sample->prompt_length},
                                             static_cast<std::int32_t>(prompts_.size()));
    const auto length = [&](std::int32_t index) {
      return static_cast<std::int64_t>(sample->texts[static_cast<std::size_t>(index)].size());
    };
    for (const RankedPair& pair : sample->pairs)
      pairs_.push_back({0, length(pair.chosen) - length(pair.rejected), pair.target, prompt.first->second});
  }
}

std::vector<EvaluatedPair> EvaluatedPairs::fetch() {
  if (margins_.empty()) return {};
  const at::Tensor margins = at::cat(margins_).cpu();
  const float* const values = margins.const_data_ptr<float>();
  for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i].margin = static_cast<double>(values[i]);
  margins_.clear();
  prompts_.clear();
  return std::exchange(pairs_, {});
}

}  // namespace rlhf
