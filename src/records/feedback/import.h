#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rlhf/records/feedback_formats.h"
#include "rlhf/records/judgments.h"

#include "records/record_fields.h"

namespace rlhf {

/// A line of a file of feedback.
struct FeedbackLine {
  const RecordFields& fields;
  const FieldNames& names;
  const FeedbackReading& reading;
  Losses& left_out;

  /// The role of a person in a format that does not say it.
  AnnotatorRole role() const { return reading.role.value_or(AnnotatorRole::crowd); }
};

// The records of a line, one function for each format. Each throws BadRecord. `extra` may have names of the format; the
// caller removes them.
std::vector<JudgedRecord> import_pair(const FeedbackLine& line);  ///< trl and hh
std::vector<JudgedRecord> import_tree(const FeedbackLine& line);
std::vector<JudgedRecord> import_argilla(const FeedbackLine& line);
std::vector<JudgedRecord> import_label_studio(const FeedbackLine& line);
std::vector<JudgedRecord> import_pandalm(const FeedbackLine& line);
std::vector<JudgedRecord> import_battle(const FeedbackLine& line);
std::vector<JudgedRecord> import_llmbar(const FeedbackLine& line);

/// Reads a prompt, a text or messages, into the record, and adds responses, which are texts.
void read_prompt(const JsonReader& prompt, JudgedRecord& record);
void add_response(JudgedRecord& record, std::string text, std::string source = "");

/// The verdict that a label means: the name of a response, "tie", "both bad" or "neither", in any case and with any
/// separators ("Response 1"); nullopt if it means none.
std::optional<Verdict> verdict_of_label(std::string_view label, const std::vector<std::string>& responses);
/// The letters and digits of a label, in lower case.
std::string plain_name(std::string_view label);

}  // namespace rlhf
