// Reads the records of the three tools.
#include "rlhf/records/records.h"

#include <utility>

#include "rlhf/config/record_formats.h"
#include "rlhf/config/stage.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/records/jsonl.h"

#include "records/record_fields.h"
#include "records/record_format.h"

namespace rlhf {
namespace {

/// The kind of the first record, which all records must have.
struct RecordKind {
  RecordFormat format = RecordFormat::auto_;
  bool chat = false;
  bool operator==(const RecordKind&) const = default;
};

std::string shown(const RecordKind& kind) {
  const RecordFormatInfo* info = find_format(kind.format);
  if (info == nullptr) return "no records";
  const bool tell_messages = kind.chat && info->content == RecordContent::either;
  return std::string(info->name) + " records" + (tell_messages ? " of messages" : "");
}

// Checks that every record has the kind of the first one.
class FormatGate {
 public:
  FormatGate(const FieldNames& names, std::vector<RecordFormat> wanted) : names_(names), wanted_(std::move(wanted)) {}

  /// Throws DataError if the first record has none of the wanted formats, because then it is the wrong file. Throws
  /// BadRecord if a later record is of another kind than the first.
  const RecordKind& check(const JsonLine& line) {
    const Recognition found = recognise(line.value, names_, wanted_);
    const std::string place = place_of(line);
    const bool is_first = first_place_.empty();
    if (!found.format && is_first) throw DataError(place + ": " + found.fault);
    if (!found.format) throw BadRecord(place + ": " + found.fault);
    const RecordKind kind{*found.format, holds_messages(line.value, names_, *found.format)};
    if (is_first) {
      kind_ = kind;
      first_place_ = place;
    }
    if (kind != kind_)
      throw BadRecord(place + ": expected " + shown(kind_) + " as at " + first_place_ + ", found " +
                      (kind.format == kind_.format ? shown(kind) : shown_keys(line.value)));
    return kind_;
  }
  const RecordKind& kind() const { return kind_; }

 private:
  const FieldNames& names_;
  std::vector<RecordFormat> wanted_;
  std::string first_place_;
  RecordKind kind_;
};

std::string joined(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text += (text.empty() ? "" : ", ") + pattern;
  return text;
}

/// Reads all lines; convert(fields, kind) makes a record from a line.
template <typename Record, typename Convert>
RecordCounts for_each_record(const std::vector<std::string>& patterns, const RecordReading& reading, Stage stage,
                             const RecordSink<Record>& sink, const Convert& convert) {
  check_given(sink, "sink", "a function");
  RecordCounts counts;
  const FieldNames names(reading.fields, stage);
  FormatGate gate(names, choose_formats(stage, reading.format));
  counts.files = expand_globs(patterns);
  for (const auto& file : counts.files) refuse_other_files(file);
  for (std::size_t i = 0; i < counts.files.size(); ++i) {
    std::int64_t index = 0;
    const auto accept = [&](const JsonLine& line) {
      const RecordKind& kind = gate.check(line);
      sink(convert(RecordFields(line, names), kind), {i, index, place_of(line)});
      ++index;
    };
    counts.bad_lines += for_each_json_line(counts.files[i], reading.max_bad_lines - counts.bad_lines, accept);
    counts.file_crc32.push_back(crc32_of_file(counts.files[i], ExitCode::data));
    counts.records += index;
  }
  if (counts.records == 0)
    throw DataError("cannot read " + joined(patterns) + ": expected at least one record, found none");
  counts.format = gate.kind().format;
  counts.chat = gate.kind().chat;
  return counts;
}

Demonstration demonstration_of(const RecordFields& fields, const RecordKind& kind) {
  switch (kind.format) {
    case RecordFormat::text:
      return {"", fields.text("text"), true};
    case RecordFormat::messages:
      return {.chat = fields.conversation(fields.answered("messages"))};
    case RecordFormat::sharegpt:
      return {.chat = fields.conversation(fields.sharegpt())};
    case RecordFormat::alpaca:
      return {fields.alpaca_prompt(), fields.text("output")};
    default:
      break;
  }
  if (!kind.chat) return {fields.text("prompt"), fields.text("completion")};
  Demonstration record{.chat = fields.conversation(fields.question("prompt"))};
  record.prompt_turns = record.chat.messages.size();
  for (auto& turn : fields.answer("completion")) record.chat.messages.push_back(std::move(turn));
  return record;
}

Preference preference_of(const RecordFields& fields, const RecordKind& kind) {
  if (kind.format == RecordFormat::ranking) return fields.ranking(kind.chat);
  const bool has_prompt = kind.format == RecordFormat::preference;
  if (!kind.chat && !has_prompt) return fields.split_transcripts();
  if (!kind.chat) return {fields.text("prompt"), {{fields.text("chosen")}, {fields.text("rejected")}}, fields.pair()};
  // A plain prompt next to lists of messages repeats their common beginning.
  if (!has_prompt || fields.is_text("prompt")) return fields.split_conversations();
  return {.answers = {{.turns = fields.answer("chosen")}, {.turns = fields.answer("rejected")}},
          .pairs = fields.pair(),
          .chat = fields.conversation(fields.question("prompt"))};
}

template <typename Record>
Records<Record> collect(RecordCounts (*for_each)(const std::vector<std::string>&, const RecordReading&,
                                                 const RecordSink<Record>&),
                        const std::vector<std::string>& patterns, const RecordReading& reading) {
  Records<Record> all;
  all.counts =
      for_each(patterns, reading, [&](Record record, const RecordPlace&) { all.records.push_back(std::move(record)); });
  return all;
}

}  // namespace

std::string RecordCounts::kind() const { return shown({format, chat}); }

RecordCounts for_each_demonstration(const std::vector<std::string>& patterns, const RecordReading& reading,
                                    const RecordSink<Demonstration>& sink) {
  return for_each_record<Demonstration>(patterns, reading, Stage::sft, sink, demonstration_of);
}

RecordCounts for_each_preference(const std::vector<std::string>& patterns, const RecordReading& reading,
                                 const RecordSink<Preference>& sink) {
  return for_each_record<Preference>(patterns, reading, Stage::reward_model, sink, preference_of);
}

RecordCounts for_each_prompt(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const RecordSink<Prompt>& sink) {
  const auto convert = [](const RecordFields& fields, const RecordKind& kind) {
    if (!kind.chat) return Prompt{fields.text("prompt"), fields.whole_line()};
    return Prompt{"", fields.whole_line(), fields.conversation(fields.question("prompt"))};
  };
  return for_each_record<Prompt>(patterns, reading, Stage::ppo, sink, convert);
}

Records<Demonstration> read_demonstrations(const std::vector<std::string>& patterns, const RecordReading& reading) {
  return collect(for_each_demonstration, patterns, reading);
}

Records<Preference> read_preferences(const std::vector<std::string>& patterns, const RecordReading& reading) {
  return collect(for_each_preference, patterns, reading);
}

Records<Prompt> read_prompts(const std::vector<std::string>& patterns, const RecordReading& reading) {
  return collect(for_each_prompt, patterns, reading);
}

}  // namespace rlhf
