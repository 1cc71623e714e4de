#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/data/load_data.h"
#include "rlhf/data/samples.h"
#include "rlhf/text/tokenizer.h"

/// What methods that train on pairs, rankings and single completions need to know of their samples.
namespace rlhf {

/// The number of tokens of all texts.
std::int64_t num_tokens(const RankedSample& sample);

/// Sums over the samples of a step.
struct RankedCounts {
  std::vector<std::int64_t> lengths;            ///< [samples] tokens
  std::vector<std::int64_t> completion_tokens;  ///< [samples] those of them that are not of the prompt
  std::int64_t tokens = 0, texts = 0, pairs = 0;
  double paired = 0;                      ///< of each sample with pairs their mean weight
  double desirable = 0, undesirable = 0;  ///< numbers of single completions

  double weight() const { return paired + desirable + undesirable; }
  /// The weights of the completions that are chosen or desirable, and of the others: those of a pair have half of it
  /// each.
  double chosen() const { return paired / 2 + desirable; }
  double rejected() const { return paired / 2 + undesirable; }
};
RankedCounts count(const std::vector<const RankedSample*>& samples);
RankedCounts count(const std::vector<RankedSample>& samples);

/// The number of tokens of the largest sample. Its texts are in the same micro-batch, because they are compared.
std::int64_t largest(const DataSet<RankedSample>& data);
/// The name of samples in messages: "pairs", "rankings" or "completions".
std::string unit_of(const DataSet<RankedSample>& data);

/// Labels that are thought to be wrong with probability `error`, ε: the target p becomes (1 − ε)·p + ε·(1 − p), or
/// without bias (p − ε) / (1 − 2ε). The same for the label of a single completion.
void smooth(std::vector<RankedSample>& samples, double error, bool unbiased);

/// The first two samples as texts, to be shown before a run.
std::vector<std::string> first_samples(const std::vector<RankedSample>& samples, const Tokenizer& tokenizer);

}  // namespace rlhf
