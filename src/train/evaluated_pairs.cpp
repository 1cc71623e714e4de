// The pairs of an evaluation of a reward model.
#include "evaluated_pairs.h"

#include <cstddef>
#include <cstdint>
#include <map>

namespace rlhf {

std::vector<EvaluatedPair> evaluated_pairs(const std::vector<const RankedSample*>& samples, const at::Tensor& scores) {
  std::vector<EvaluatedPair> pairs;
  std::map<TokenIds, std::int32_t> prompts;
  const float* score = scores.const_data_ptr<float>();
  for (const RankedSample* sample : samples) {
    const TokenIds& text = sample->texts.front();
    const auto prompt = prompts.try_emplace({text.begin(), text.begin() + sample->prompt_length},
                                            static_cast<std::int32_t>(prompts.size()));
    const auto length = [&](std::int32_t index) {
      return static_cast<std::int64_t>(sample->texts[static_cast<std::size_t>(index)].size());
    };
    for (const RankedPair& pair : sample->pairs)
      pairs.push_back({static_cast<double>(score[pair.chosen] - score[pair.rejected]),
                       length(pair.chosen) - length(pair.rejected), pair.target, prompt.first->second});
    score += sample->texts.size();
  }
  return pairs;
}

}  // namespace rlhf
