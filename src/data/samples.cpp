#include "rlhf/data/samples.h"

#include <algorithm>
#include <string_view>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

#include "data/joined_text.h"

namespace rlhf {
namespace {

/// Applies `over_length`: false means that the sample is dropped. `number` is the record's, 1-based, over all files.
bool fit_length(JoinedText& text, const DataOptions& options, std::int64_t number) {
  if (text.length() <= options.max_length) return true;
  switch (options.over_length) {
    case OverLength::drop:
      return false;
    case OverLength::truncate:
      truncate(text, options.max_length);
      return true;
    case OverLength::error:
      throw DataError("tokenising record " + std::to_string(number) + ": expected at most " +
                      std::to_string(options.max_length) + " tokens (data.max_length), found " +
                      std::to_string(text.length()) +
                      "; hint: raise data.max_length, or set data.over_length to drop or truncate");
  }
  return false;
}

void count_tokens(DataReport& report, const TokenIds& ids) {
  const auto length = static_cast<std::int64_t>(ids.size());
  report.tokens += length;
  report.longest = std::max(report.longest, length);
}

template <typename S>
SampleSet<S> finished(SampleSet<S> set, std::string_view wanted, std::string_view hint) {
  set.report.samples = static_cast<std::int64_t>(set.samples.size());
  if (set.samples.empty()) {
    throw DataError("tokenising the data: expected at least one " + std::string(wanted) + ", found " +
                    set.report.summary() + "; hint: " + std::string(hint));
  }
  return set;
}

constexpr std::string_view kLengthHint = "check data.max_length and the template";

/// The pair with the ids of both sides, or nothing if it has to be dropped (and was counted).
std::optional<PairSample> make_pair(JoinedText chosen, JoinedText rejected, const DataOptions& options,
                                    DataReport& report) {
  const std::int64_t number = report.records;
  if (!fit_length(chosen, options, number) || !fit_length(rejected, options, number)) {
    ++report.dropped_over_length;
    return std::nullopt;
  }
  if (!chosen.has_completion() || !rejected.has_completion()) {
    ++report.dropped_without_label;
    return std::nullopt;
  }
  if (chosen.ids == rejected.ids) {
    ++report.dropped_equal;
    return std::nullopt;
  }
  if (chosen.truncated || rejected.truncated) ++report.truncated;
  if (chosen.straddles || rejected.straddles) ++report.straddling;
  count_tokens(report, chosen.ids);
  count_tokens(report, rejected.ids);

  // What follows the prompt may change how its last bytes are split, so only the ids that both sides share are prompt.
  const std::int64_t shorter = std::min(chosen.prompt_length, rejected.prompt_length);
  const auto end = chosen.ids.begin() + shorter;
  const auto differs = std::mismatch(chosen.ids.begin(), end, rejected.ids.begin()).first;
  PairSample pair;
  pair.prompt_length = static_cast<std::int32_t>(differs - chosen.ids.begin());
  pair.chosen = std::move(chosen.ids);
  pair.rejected = std::move(rejected.ids);
  return pair;
}

}  // namespace

std::int64_t Sample::num_labels() const {
  std::int64_t labels = 0;
  for (const Span& span : trained) labels += span.size();
  return labels;
}

SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const PromptTemplate& prompt_template, const DataOptions& options) {
  std::vector<JoinedText> texts = tokenise_all(records.size(), [&](std::size_t i) {
    const Demonstration& record = records[i];
    // A {"text"} stands as it is: it has no seam, and no template applies.
    if (record.whole) return tokenise_joined("", record.completion, tokenizer);
    return tokenise_joined(prompt_template.prompt(record.prompt), prompt_template.completion(record.completion),
                           tokenizer);
  });
  SampleSet<Sample> set;
  DataReport& report = set.report;
  for (const Demonstration& record : records) {
    JoinedText& text = texts[static_cast<std::size_t>(report.records++)];
    if (!fit_length(text, options, report.records)) {
      ++report.dropped_over_length;
      continue;
    }
    const bool all = record.whole || options.train_on == TrainOn::all;
    // Index 0 is predicted by nothing.
    const std::int64_t begin = all ? 1 : std::max<std::int64_t>(text.prompt_length, 1);
    if (!text.has_completion() || begin >= text.length()) {
      ++report.dropped_without_label;
      continue;
    }
    if (text.truncated) ++report.truncated;
    if (text.straddles) ++report.straddling;
    count_tokens(report, text.ids);
    const Span trained{static_cast<std::int32_t>(begin), static_cast<std::int32_t>(text.length())};
    report.trained_tokens += trained.size();
    set.samples.push_back({std::move(text.ids), {trained}});
  }
  return finished(std::move(set), "sample with a trained token", kLengthHint);
}

SampleSet<PairSample> make_pairs(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                 const PromptTemplate& prompt_template, const DataOptions& options) {
  // Chosen and rejected by turns.
  std::vector<JoinedText> texts = tokenise_all(2 * records.size(), [&](std::size_t i) {
    const Preference& record = records[i / 2];
    return tokenise_joined(prompt_template.prompt(record.prompt),
                           prompt_template.completion(i % 2 == 0 ? record.chosen : record.rejected), tokenizer);
  });
  SampleSet<PairSample> set;
  for (const Preference& record : records) {
    const auto i = static_cast<std::size_t>(2 * set.report.records++);
    auto pair = make_pair(std::move(texts[i]), std::move(texts[i + 1]), options, set.report);
    if (!pair) continue;
    pair->margin = static_cast<float>(record.margin);
    set.samples.push_back(std::move(*pair));
  }
  return finished(std::move(set), "pair of different texts", kLengthHint);
}

SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const PromptTemplate& prompt_template, std::int64_t max_prompt_length) {
  SampleSet<PromptSample> set;
  DataReport& report = set.report;
  for (const Prompt& record : records) {
    stop_if_signalled();
    ++report.records;
    TokenIds ids = tokenizer.encode(prompt_template.prompt(record.prompt)).ids;
    if (ids.empty()) {
      throw DataError("tokenising record " + std::to_string(report.records) +
                      ": expected a prompt of at least one token, found an empty text and a tokenizer without BOS");
    }
    if (static_cast<std::int64_t>(ids.size()) > max_prompt_length) {
      ++report.dropped_over_length;
      continue;
    }
    count_tokens(report, ids);
    set.samples.push_back({std::move(ids), record.prompt, record.extra});
  }
  return finished(std::move(set), "prompt", "check data.max_prompt_length and the template");
}

}  // namespace rlhf
