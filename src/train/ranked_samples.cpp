// Pairs and rankings: counts, labels, texts.
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
    counts.tokens += counts.lengths.back();
    counts.texts += std::ssize(sample->texts);
    counts.pairs += std::ssize(sample->pairs);
    double weights = 0;
    for (const RankedPair& pair : sample->pairs) weights += pair.weight;
    counts.weight += weights / static_cast<double>(sample->pairs.size());
  }
  return counts;
}

std::int64_t largest(const DataSet<RankedSample>& data) {
  std::int64_t tokens = 0;
  for (const auto* set : {&data.train, &data.eval})
    for (const RankedSample& sample : set->samples) tokens = std::max(tokens, num_tokens(sample));
  return tokens;
}

std::string unit_of(const DataSet<RankedSample>& data) {
  return data.counts.format == RecordFormat::ranking ? "rankings" : "pairs";
}

void smooth(std::vector<RankedSample>& samples, double error, bool unbiased) {
  if (error == 0) return;
  for (RankedSample& sample : samples)
    for (RankedPair& pair : sample.pairs)
      pair.target = static_cast<float>(unbiased ? (pair.target - error) / (1 - 2 * error)
                                                : (1 - 2 * error) * pair.target + error);
}

std::vector<RankedSample> mismatch(const std::vector<RankedSample>& samples, std::int64_t longest) {
  std::vector<RankedSample> mismatched;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const RankedSample& own = samples[i];
    const RankedSample& other = samples[(i + samples.size() / 2) % samples.size()];
    const TokenIds& answered = other.texts[i % other.texts.size()];  // in turn chosen and rejected
    TokenIds text(own.texts.front().begin(), own.texts.front().begin() + own.prompt_length);
    text.insert(text.end(), answered.begin() + other.prompt_length, answered.end());
    text.resize(std::min(text.size(), static_cast<std::size_t>(longest)));
    mismatched.push_back({{std::move(text)}, {}, own.prompt_length});
  }
  return mismatched;
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
    show("chosen: ", samples[i], samples[i].pairs.front().chosen);
    show("rejected: ", samples[i], samples[i].pairs.front().rejected);
  }
  return shown;
}

}  // namespace rlhf
