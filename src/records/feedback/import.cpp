// Reads files of feedback in all formats.
#include "records/feedback/import.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <utility>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/records/jsonl.h"

#include "records/conversation.h"
#include "records/record_format.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using Import = std::vector<JudgedRecord> (*)(const FeedbackLine&);
using Sink = std::function<void(JudgedRecord)>;

Import import_of(FeedbackFormat format) {
  switch (format) {
    case FeedbackFormat::oasst:
      return import_tree;
    case FeedbackFormat::argilla:
      return import_argilla;
    case FeedbackFormat::label_studio:
      return import_label_studio;
    case FeedbackFormat::pandalm:
      return import_pandalm;
    case FeedbackFormat::arena:
      return import_battle;
    case FeedbackFormat::llmbar:
      return import_llmbar;
    default:
      return import_pair;
  }
}

void check_names(const FeedbackReading& reading) {
  const FieldList& known = info_of(reading.format).fields;
  std::vector<std::string> issues;
  for (const auto& [name, theirs] : reading.fields)
    if (!known.contains(name))
      issues.push_back("field " + name + ": expected one of " + joined_names(known) + " as the name to replace");
  if (!issues.empty()) throw ConfigError(std::move(issues));
}

/// Collects records and joins the judgments of different annotators of the same id, prompt and responses.
class Merger {
 public:
  void add(JudgedRecord record) {
    JudgedRecord pair = record;
    pair.judgments.clear();
    const auto [known, is_new] = index_.try_emplace(to_json(pair).dump(), records_.size());
    if (is_new || has_judged(records_[known->second], record.judgments.front().annotator)) {
      known->second = records_.size();
      records_.push_back(std::move(record));
    } else {
      records_[known->second].judgments.push_back(std::move(record.judgments.front()));
    }
  }
  std::vector<JudgedRecord>& records() { return records_; }

 private:
  static bool has_judged(const JudgedRecord& record, const std::string& annotator) {
    return std::ranges::find(record.judgments, annotator, &Judgment::annotator) != record.judgments.end();
  }

  std::vector<JudgedRecord> records_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Removes further fields that have a name of the format; they would be read as something else.
void drop_reserved(Json& extra, const FieldList& reserved, Losses& left_out) {
  Json kept = Json::object();
  for (auto& [name, value] : extra.items()) {
    if (reserved.contains(name)) {
      ++left_out["fields `" + name + "`, a name that judgments use"];
    } else {
      kept[name] = std::move(value);
    }
  }
  extra = std::move(kept);
}

void drop_reserved(JudgedRecord& record, Losses& left_out) {
  drop_reserved(record.extra, kJudgedFields, left_out);
  for (JudgedResponse& response : record.responses) drop_reserved(response.extra, kResponseFields, left_out);
  for (Judgment& judgment : record.judgments) drop_reserved(judgment.extra, kJudgmentFields, left_out);
}

void import_lines(const std::filesystem::path& file, const FeedbackReading& reading, Losses& left_out,
                  const Sink& sink) {
  const FieldNames names(reading.fields);
  const Import import = import_of(reading.format);
  for_each_json_line(file, /*max_bad_lines=*/0, [&](const JsonLine& line) {
    const RecordFields fields(line, names);
    for (JudgedRecord& record : import({fields, names, reading, left_out})) {
      check_judged(record, fields.place());
      drop_reserved(record, left_out);
      sink(std::move(record));
    }
  });
}

void read_file_of_judgments(const std::filesystem::path& file, const FeedbackReading& reading, const Sink& sink) {
  for_each_judged({file}, {.fields = reading.fields},
                  [&](JudgedRecord record, const RecordPlace&) { sink(std::move(record)); });
}

}  // namespace

FeedbackCounts for_each_feedback(const std::filesystem::path& file, const FeedbackReading& how, const Sink& sink) {
  check_given(sink, "sink", "a function");
  check_names(how);
  refuse_other_files(file);
  FeedbackReading reading = how;
  if (reading.annotator.empty()) reading.annotator = info_of(reading.format).name;
  FeedbackCounts counts;
  const auto counted = [&](JudgedRecord record) {
    ++counts.records;
    counts.judgments += static_cast<std::int64_t>(record.judgments.size());
    sink(std::move(record));
  };
  if (reading.format == FeedbackFormat::judgments) {
    read_file_of_judgments(file, reading, counted);
  } else if (reading.format == FeedbackFormat::arena) {
    Merger merger;
    import_lines(file, reading, counts.left_out, [&](JudgedRecord record) { merger.add(std::move(record)); });
    for (JudgedRecord& record : merger.records()) counted(std::move(record));
  } else {
    import_lines(file, reading, counts.left_out, counted);
  }
  if (counts.records == 0)
    throw DataError("cannot read " + file.string() + ": expected at least one record with a judgment, found none");
  return counts;
}

void read_prompt(const JsonReader& prompt, JudgedRecord& record) {
  if (prompt.is_list()) {
    record.chat.messages = read_messages(prompt, /*from_value=*/false);
    expect_question_last(record.chat.messages, prompt.place());
  } else {
    record.prompt = prompt.string("a text or a list of messages");
    record.whole = record.prompt.empty();
  }
}

void add_response(JudgedRecord& record, std::string text, std::string source) {
  Answer answer{.text = text};
  if (record.chat) answer = {.turns = {{{"role", "assistant"}, {"content", std::move(text)}}}};
  record.responses.push_back({.answer = std::move(answer), .source = std::move(source)});
}

std::string plain_name(std::string_view label) {
  std::string name;
  for (const unsigned char c : label)
    if (c >= 0x80 || std::isalnum(c) != 0) name += static_cast<char>(std::tolower(c));
  return name;
}

std::optional<Verdict> verdict_of_label(std::string_view label, const std::vector<std::string>& responses) {
  const std::string name = plain_name(label);
  for (std::size_t i = 0; i < responses.size(); ++i)
    if (plain_name(responses[i]) == name) return Verdict{.choice = static_cast<std::int32_t>(i)};
  if (name == "tie") return Verdict{.kind = Verdict::Kind::tie};
  if (name == "bothbad" || name == "neither") return Verdict{.kind = Verdict::Kind::both_bad};
  return std::nullopt;
}

}  // namespace rlhf
