// Prompts as token ids, and the functions that make all samples of a list of records.
#include "rlhf/data/samples.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"

#include "data/joined_text.h"
#include "data/render.h"
#include "data/sample_maker.h"

namespace rlhf {
namespace {

template <typename S, typename Record>
SampleSet<S> make_all(const std::vector<Record>& records, const Tokenizer& tokenizer, const Templates& templates,
                      const DataOptions& options) {
  SampleMaker<Record, S> maker(tokenizer, templates, options);
  for (const Record& record : records) maker.add(record);
  return maker.finish();
}

PromptSample make_prompt(const Prompt& record, const Tokenizer& tokenizer, const Templates& templates) {
  if (!record.chat) return {tokenizer.encode(templates.prompt.prompt(record.prompt)).ids, record.prompt, record.extra};
  std::string text = render_prompt(record.chat, record.chat.messages, templates);
  TokenIds ids = encode_rendered(text, tokenizer).ids;
  return {std::move(ids), std::move(text), record.extra};
}

/// A prompt as token ids, or the reason why it was refused.
struct MadePrompt {
  PromptSample sample;
  std::string fault;
};

/// Tokenises prompts on all CPUs; the result has the order of `records`.
std::vector<MadePrompt> tokenise_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                         const Templates& templates) {
  constexpr std::size_t kBlock = 4096;  // signals are checked between blocks
  std::vector<MadePrompt> prompts(records.size());
  for (std::size_t begin = 0; begin < records.size(); begin += kBlock) {
    stop_if_signalled();
    for_each_index(std::min(kBlock, records.size() - begin), [&](std::size_t i) {
      const std::size_t number = begin + i;
      try {
        prompts[number].sample = make_prompt(records[number], tokenizer, templates);
      } catch (const DataError& error) {
        prompts[number].fault = "tokenising record " + std::to_string(number + 1) + ": " + error.what();
      }
    });
  }
  return prompts;
}

}  // namespace

std::int64_t Sample::num_labels() const {
  std::int64_t count = 0;
  for (const Span& span : trained) count += span.size();
  return count;
}

SampleSet<Sample> make_samples(const std::vector<Demonstration>& records, const Tokenizer& tokenizer,
                               const Templates& templates, const DataOptions& options) {
  return make_all<Sample>(records, tokenizer, templates, options);
}

SampleSet<RankedSample> make_ranked(const std::vector<Preference>& records, const Tokenizer& tokenizer,
                                    const Templates& templates, const DataOptions& options) {
  return make_all<RankedSample>(records, tokenizer, templates, options);
}

std::vector<TokenIds> tokenise_answers(const AnsweredRecord& record, const Tokenizer& tokenizer,
                                       const Templates& templates) {
  if (record.ids) return {*record.ids};
  if (record.whole) return {tokenise_joined("", record.content.answers.front().text, tokenizer).ids};
  std::vector<TokenIds> ids;
  for (JoinedText& text : tokenise(record.content, tokenizer, templates, TrainOn::completion))
    ids.push_back(std::move(text.ids));
  return ids;
}

SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const Templates& templates, std::int64_t max_prompt_length,
                                     std::int64_t max_bad_lines) {
  SampleSet<PromptSample> set;
  DataReport& report = set.report;
  std::unordered_set<std::string> seen;
  for (auto& [sample, fault] : tokenise_prompts(records, tokenizer, templates)) {
    ++report.records;
    if (!fault.empty()) {
      skip_or_throw(fault, max_bad_lines, report);
      continue;
    }
    if (sample.ids.empty()) {
      throw DataError("tokenising record " + std::to_string(report.records) +
                      ": expected a prompt of at least one token, found an empty text and a tokenizer without BOS");
    }
    if (static_cast<std::int64_t>(sample.ids.size()) > max_prompt_length) {
      ++report.dropped_over_length;
      continue;
    }
    if (!seen.insert(sample.text).second) ++report.duplicates;
    report.count_text(sample.ids.size());
    set.samples.push_back(std::move(sample));
  }
  report.samples = static_cast<std::int64_t>(set.samples.size());
  if (set.samples.empty())
    throw DataError("tokenising the data: expected at least one prompt, found " + report.summary() +
                    "; hint: check data.max_prompt_length and the template");
  return set;
}

}  // namespace rlhf
