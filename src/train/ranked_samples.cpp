// Pairs, rankings and single completions: counts, labels, texts.
#include "ranked_samples.h"

#include <algorithm>
#include <cstddef>
#include <unistd.h>

namespace rlhf {

std::int64_t num_tokens(const RankedSample& sample) {
  std::int64_t tokens = 0;
  for (const TokenIds& text : sample.texts) tokens += static_cast<std::int64_t>(text.size());
  return tokens;
}

RankedCounts count(const std::vector<const RankedSample*>& samples) {
  RankedCounts counts;
  for (const RankedSample* sample : samples) {
    counts.lengths.push_back(num_tokens(*sample));
    counts.completion_tokens.push_back(counts.lengths.back() - std::ssize(sample->texts) * sample->prompt_length);
    counts.tokens += counts.lengths.back();
    counts.texts += std::ssize(sample->texts);
    counts.pairs += std::ssize(sample->pairs);
    double weights = 0;
    for (const RankedPair& pair : sample->pairs) weights += pair.weight;
    if (!sample->pairs.empty()) counts.paired += weights / static_cast<double>(sample->pairs.size());
    if (sample->desirable) ++(*sample->desirable > 0.5F ? counts.desirable : counts.undesirable);
  }
  return counts;
}

RankedCounts count(const std::vector<RankedSample>& samples) {
  std::vector<const RankedSample*> all;
  for (const RankedSample& sample : samples) all.push_back(&sample);
  return count(all);
}

std::int64_t largest(const DataSet<RankedSample>& data) {
  std::int64_t tokens = 0;
  for (const auto* set : {&data.train, &data.eval})
    for (const RankedSample& sample : set->samples) tokens = std::max(tokens, num_tokens(sample));
  return tokens;
}

std::string unit_of(const DataSet<RankedSample>& data) {
  if (data.counts.format == RecordFormat::unpaired) return "completions";
  return data.counts.format == RecordFormat::ranking ? "rankings" : "pairs";
}

void smooth(std::vector<RankedSample>& samples, double error, bool unbiased) {
  if (error == 0) return;
  const auto smoothed = [&](float p) {
    return static_cast<float>(unbiased ? (p - error) / (1 - 2 * error) : (1 - 2 * error) * p + error);
  };
  for (RankedSample& sample : samples) {
    for (RankedPair& pair : sample.pairs) pair.target = smoothed(pair.target);
    if (sample.desirable) sample.desirable = smoothed(*sample.desirable);
  }
}

std::vector<std::string> first_samples(const std::vector<RankedSample>& samples, const Tokenizer& tokenizer) {
  std::vector<std::string> shown;
  const bool colour = isatty(STDOUT_FILENO) == 1;
  const auto show = [&](const char* label, const RankedSample& sample, std::int32_t index) {
    const TokenIds& ids = sample.texts[static_cast<std::size_t>(index)];
    const Span answer{sample.prompt_length, static_cast<std::int32_t>(ids.size())};
    shown.push_back(label + show_sample({ids, {answer}}, tokenizer, colour));
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(2, samples.size()); ++i) {
    const RankedSample& sample = samples[i];
    if (sample.desirable) show(*sample.desirable > 0.5F ? "desirable: " : "undesirable: ", sample, 0);
    if (sample.pairs.empty()) continue;
    show("chosen: ", sample, sample.pairs.front().chosen);
    show("rejected: ", sample, sample.pairs.front().rejected);
  }
  return shown;
}

}  // namespace rlhf
