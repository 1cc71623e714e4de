#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/data/samples.h"
#include "rlhf/dist/ranks.h"

namespace rlhf {

/// A number for each text of samples (a score, a log-probability), which ranks compute in micro-batches.
class TextNumbers {
 public:
  /// `samples` are different ones.
  TextNumbers(const std::vector<const RankedSample*>& samples, at::Device device);
  /// Takes the numbers of the texts of some of the samples, [texts] fp32 without a gradient. No sample comes twice, on
  /// whichever rank.
  void add(const std::vector<const RankedSample*>& members, const at::Tensor& numbers);
  /// The numbers of all texts, [texts] fp32 on the device, in the order of the samples: they are exchanged, with the
  /// same bits on all ranks. `what` is for messages: "scores".
  at::Tensor of_all(const Ranks& ranks, const std::string& what);

 private:
  std::unordered_map<const RankedSample*, std::int64_t> first_;  ///< of each sample the index of its first text
  at::Tensor numbers_;
};

}  // namespace rlhf
