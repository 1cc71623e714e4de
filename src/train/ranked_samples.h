#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/data/load_data.h"
#include "rlhf/data/samples.h"
#include "rlhf/text/tokenizer.h"

/// What methods that train on pairs and rankings need to know of their samples.
namespace rlhf {

/// The number of tokens of all texts.
std::int64_t num_tokens(const RankedSample& sample);

/// Sums over the samples of a step.
struct RankedCounts {
  std::vector<std::int64_t> lengths;  ///< [samples] tokens
  std::int64_t tokens = 0, texts = 0, pairs = 0;
  double weight = 0;  ///< of each sample the mean weight of its pairs
};
RankedCounts count(const std::vector<const RankedSample*>& samples);

/// The number of tokens of the largest sample. Its texts are in the same micro-batch, because they are compared.
std::int64_t largest(const DataSet<RankedSample>& data);
/// The name of samples in messages: "pairs" or "rankings".
std::string unit_of(const DataSet<RankedSample>& data);

/// Labels that are thought to be wrong with probability `error`, ε: the target p becomes (1 − ε)·p + ε·(1 − p), or
/// without bias (p − ε) / (1 − 2ε).
void smooth(std::vector<RankedSample>& samples, double error, bool unbiased);

/// For each sample its prompt with a completion of a sample from the other half of the data, which so answers another
/// prompt, cut at `longest` tokens; no pairs.
std::vector<RankedSample> mismatch(const std::vector<RankedSample>& samples, std::int64_t longest);

/// The first two pairs as texts, to be shown before a run.
std::vector<std::string> first_samples(const std::vector<RankedSample>& samples, const Tokenizer& tokenizer);

}  // namespace rlhf
