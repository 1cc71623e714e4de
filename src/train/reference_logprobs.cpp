// Log-probabilities of a reference, kept per text.
#include "reference_logprobs.h"

#include <functional>
#include <string>
#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"

#include "completion_logprobs.h"

namespace rlhf {
namespace {

std::uint32_t checksum_of(const std::vector<const RankedSample*>& samples) {
  std::uint32_t checksum = 0;
  std::string bytes;
  const auto add = [&](const void* data, std::size_t size) { bytes.append(static_cast<const char*>(data), size); };
  for (const RankedSample* sample : samples) {
    bytes.clear();
    add(&checksum, sizeof(checksum));
    add(&sample->prompt_length, sizeof(sample->prompt_length));
    for (const TokenIds& text : sample->texts) {
      const std::size_t length = text.size();
      add(&length, sizeof(length));
      add(text.data(), length * sizeof(text.front()));
    }
    checksum = crc32_of(bytes);
  }
  return checksum;
}

}  // namespace

ReferenceLogprobs::ReferenceLogprobs(const SampleSets& sets) {
  std::size_t texts = 0;
  for (const auto* samples : sets) {
    Set set{samples, {}};
    for (const RankedSample& sample : *samples) {
      set.first.push_back(texts);
      texts += sample.texts.size();
    }
    sets_.push_back(std::move(set));
  }
  values_ = at::zeros({static_cast<std::int64_t>(texts)}, at::TensorOptions().dtype(at::kFloat));
  texts_checksum_ = checksum_of(this->samples());
}

void ReferenceLogprobs::compute(CausalLM& model, const std::vector<const RankedSample*>& samples,
                                std::int64_t micro_batch_tokens, const Ranks& ranks) {
  const at::Tensor logprobs = text_logprobs(model, samples, micro_batch_tokens, ranks).cpu();
  const float* next = logprobs.const_data_ptr<float>();
  for (const RankedSample* sample : samples)
    for (float& number : of(*sample)) number = *next++;
}

std::vector<const RankedSample*> ReferenceLogprobs::samples() const {
  std::vector<const RankedSample*> all;
  for (const Set& set : sets_)
    for (const RankedSample& sample : *set.samples) all.push_back(&sample);
  return all;
}

std::span<float> ReferenceLogprobs::of(const RankedSample& sample) {
  for (const Set& set : sets_) {
    const RankedSample* const begin = set.samples->data();
    if (std::less<>()(&sample, begin) || !std::less<>()(&sample, begin + set.samples->size())) continue;
    return {values_.mutable_data_ptr<float>() + set.first[static_cast<std::size_t>(&sample - begin)],
            sample.texts.size()};
  }
  throw ArgumentError("sample: expected one of the sets, found another");
}

}  // namespace rlhf
