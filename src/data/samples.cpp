// Prompts as token ids, and the functions that make all samples of a list of records.
#include "rlhf/data/samples.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"
#include "rlhf/records/judgments.h"

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

/// A prompt as token ids with what the template left out, or the reason why it was refused.
struct MadePrompt {
  PromptSample sample;
  std::vector<std::string> missing;
  std::string fault;
};

MadePrompt make_prompt(const Prompt& record, const Tokenizer& tokenizer, const Templates& templates,
                       const Renderer& renderer) {
  if (!record.chat)
    return {{tokenizer.encode(templates.prompt.prompt(record.prompt)).ids, record.prompt, record.extra, record.prompt}};
  RenderedPrompt rendered = renderer.prompt(record.chat);
  TokenIds ids = encode_rendered(rendered.text, tokenizer).ids;
  return {{std::move(ids), std::move(rendered.text), record.extra, asked_text(record.prompt, record.chat)},
          std::move(rendered.missing)};
}

/// Tokenises prompts on all CPUs; the result has the order of `records`.
std::vector<MadePrompt> tokenise_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                         const Templates& templates) {
  constexpr std::size_t kBlock = 4096;  // signals are checked between blocks
  const Renderer renderer(tokenizer, templates);
  std::vector<MadePrompt> prompts(records.size());
  for (std::size_t begin = 0; begin < records.size(); begin += kBlock) {
    stop_if_signalled();
    for_each_index(std::min(kBlock, records.size() - begin), [&](std::size_t i) {
      const std::size_t number = begin + i;
      try {
        prompts[number] = make_prompt(records[number], tokenizer, templates, renderer);
      } catch (const DataError& error) {
        prompts[number].fault = "tokenising record " + std::to_string(number + 1) + ": " + error.what();
      }
    });
  }
  return prompts;
}

/// Removes the beginning of a prompt, but BOS.
void cut_left(TokenIds& ids, std::int64_t max_length, const Tokenizer& tokenizer) {
  const std::int64_t kept = ids.front() == tokenizer.bos_id() && max_length > 1 ? 1 : 0;
  const std::int64_t excess = static_cast<std::int64_t>(ids.size()) - max_length;
  ids.erase(ids.begin() + kept, ids.begin() + kept + excess);
}

/// Applies the limit; returns whether the prompt is kept.
bool fit_prompt(TokenIds& ids, std::int64_t max_length, OverLengthPrompt over_length, const Tokenizer& tokenizer,
                DataReport& report) {
  const auto length = static_cast<std::int64_t>(ids.size());
  if (length <= max_length) return true;
  switch (over_length) {
    case OverLengthPrompt::drop:
      ++report.dropped_over_length;
      report.longest_dropped = std::max(report.longest_dropped, length);
      return false;
    case OverLengthPrompt::truncate:
      cut_left(ids, max_length, tokenizer);
      ++report.beheaded;
      return true;
    case OverLengthPrompt::error:
      break;
  }
  throw DataError("tokenising record " + std::to_string(report.records) + ": expected at most " +
                  std::to_string(max_length) + " tokens (data.max_prompt_length), found " + std::to_string(length) +
                  "; hint: raise data.max_prompt_length, or set data.over_length to drop or truncate");
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

AnswerTexts tokenise_answers(const AnsweredRecord& record, const Tokenizer& tokenizer, const Templates& templates) {
  if (record.ids) return {{*record.ids}, {}};
  AnswerTexts texts;
  for (JoinedText& text : Renderer(tokenizer, templates).tokenise(record.content, TrainOn::completion)) {
    texts.ids.push_back(std::move(text.ids));
    if (texts.missing.empty()) texts.missing = std::move(text.missing);
  }
  return texts;
}

SampleSet<PromptSample> make_prompts(const std::vector<Prompt>& records, const Tokenizer& tokenizer,
                                     const Templates& templates, std::int64_t max_prompt_length,
                                     std::int64_t max_bad_lines, OverLengthPrompt over_length) {
  SampleSet<PromptSample> set;
  DataReport& report = set.report;
  report.length_limit = max_prompt_length;
  report.of_prompts = true;
  std::unordered_set<std::string> seen;
  for (auto& [sample, missing, fault] : tokenise_prompts(records, tokenizer, templates)) {
    ++report.records;
    if (!fault.empty()) {
      skip_or_throw(fault, max_bad_lines, report);
      continue;
    }
    if (sample.ids.empty()) {
      throw DataError("tokenising record " + std::to_string(report.records) +
                      ": expected a prompt of at least one token, found an empty text and a tokenizer without BOS");
    }
    for (const std::string& name : missing) ++report.not_rendered[name];
    if (!fit_prompt(sample.ids, max_prompt_length, over_length, tokenizer, report)) continue;
    if (!seen.insert(sample.text).second) ++report.duplicates;
    report.count_text(sample.ids.size());
    set.samples.push_back(std::move(sample));
  }
  report.samples = static_cast<std::int64_t>(set.samples.size());
  if (set.samples.empty())
    throw DataError("tokenising the data: expected at least one prompt, found " + report.summary() +
                    "; hint: check data.max_prompt_length and the template");
  for (const std::string& line : report.warnings()) log_warning("data: " + line);
  return set;
}

}  // namespace rlhf
