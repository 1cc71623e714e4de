#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// What a pair or the label of a single completion says of one completion.
struct TextLabel {
  bool chosen = true;  ///< or desirable
  float weight = 1;    ///< half of that of its pair, which is divided by the number of pairs of the sample; or 1
  float right = 1;     ///< the label is right with this probability
};

/// Two weights of each text of samples, [texts] fp32, in the order of make_completion_batch().
struct TextWeights {
  at::Tensor chosen, rejected;
};

/// Sums of weights_of(label), a pair of the weights {chosen, rejected}, over the labels of each text.
template <typename WeightsOf>
TextWeights text_weights(const std::vector<const RankedSample*>& samples, at::Device device,
                         const WeightsOf& weights_of) {
  std::vector<float> chosen, rejected;
  for (const RankedSample* sample : samples) {
    const std::size_t first = chosen.size(), texts = first + sample->texts.size();
    chosen.resize(texts, 0);
    rejected.resize(texts, 0);
    const auto add = [&](std::size_t text, const TextLabel& label) {
      const std::pair<float, float> weights = weights_of(label);
      chosen[first + text] += weights.first;
      rejected[first + text] += weights.second;
    };
    for (const RankedPair& pair : sample->pairs) {
      const float half = pair.weight / static_cast<float>(2 * sample->pairs.size());
      add(static_cast<std::size_t>(pair.chosen), {true, half, pair.target});
      add(static_cast<std::size_t>(pair.rejected), {false, half, pair.target});
    }
    if (!sample->desirable) continue;
    const bool is_desirable = *sample->desirable > 0.5F;
    add(0, {is_desirable, 1, is_desirable ? *sample->desirable : 1 - *sample->desirable});
  }
  return {to_device(chosen, device), to_device(rejected, device)};
}

/// Of each text the weights of the labels that call it chosen, and of those that call it rejected, right or not.
inline TextWeights label_weights(const std::vector<const RankedSample*>& samples, at::Device device) {
  return text_weights(samples, device, [](const TextLabel& label) {
    return label.chosen ? std::pair(label.weight, 0.0F) : std::pair(0.0F, label.weight);
  });
}

}  // namespace rlhf
