// Numbers of texts, of all ranks.
#include "text_numbers.h"

#include <ATen/ops/zeros.h>

#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

TextNumbers::TextNumbers(const std::vector<const RankedSample*>& samples, at::Device device) {
  std::int64_t texts = 0;
  for (const RankedSample* sample : samples) {
    first_.emplace(sample, texts);
    texts += std::ssize(sample->texts);
  }
  numbers_ = at::zeros({texts}, at::TensorOptions(device).dtype(at::kFloat));
}

void TextNumbers::add(const std::vector<const RankedSample*>& members, const at::Tensor& numbers) {
  std::vector<std::int64_t> indices;
  for (const RankedSample* sample : members)
    for (std::int64_t i = 0; i < std::ssize(sample->texts); ++i) indices.push_back(first_.at(sample) + i);
  numbers_.index_copy_(0, to_device(indices, numbers_.device()), numbers);
}

at::Tensor TextNumbers::of_all(const Ranks& ranks, const std::string& what) {
  ranks.sum(numbers_, what);  // exact: the other ranks have zeros
  return numbers_;
}

}  // namespace rlhf
