// Pairs of TRL and HH as judgments.
#include <utility>

#include "records/feedback/import.h"
#include "records/judged.h"
#include "records/preference.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

/// What a pair says besides its order; nullopt if that is nothing.
std::optional<JudgmentLabel> label_of_pair(const RecordFields& fields) {
  JudgmentLabel label{.probability = number_in(fields.optional("probability"), 0, 1),
                      .weight = number_in(fields.optional("weight"), 0, kMaxWeight),
                      .margin = number_in(fields.optional("margin"), 0, kMaxMargin)};
  const bool says_more = label.probability || label.weight || label.margin;
  return says_more ? std::optional(std::move(label)) : std::nullopt;
}

}  // namespace

std::vector<JudgedRecord> import_pair(const FeedbackLine& line) {
  const RecordFields& fields = line.fields;
  const bool has_prompt = fields.optional("prompt").has_value();
  const bool chat = fields.field("chosen").is_list();
  const RecordFormat format = has_prompt ? RecordFormat::preference : RecordFormat::transcripts;
  Preference pair = pair_of(fields, format, chat);
  JudgedRecord record{.prompt = std::move(pair.prompt), .label = label_of_pair(fields)};
  record.chat = std::move(pair.chat);
  record.whole = pair.whole || (!chat && record.prompt.empty());
  for (Answer& answer : pair.answers) record.responses.push_back({.answer = std::move(answer)});
  if (const auto id = fields.optional("id")) record.id = read_id(*id);
  record.domain = fields.optional_text("domain");
  record.judgments = {{.annotator = line.reading.annotator, .role = line.role(), .verdict = {.choice = 0}}};
  record.extra = line.fields.rest();
  return {std::move(record)};
}

}  // namespace rlhf
