// Reads the records of the three tools.
#include "rlhf/records/records.h"

#include <algorithm>
#include <utility>

#include "rlhf/config/record_formats.h"
#include "rlhf/config/stage.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/records/judgments.h"

#include "records/judged.h"
#include "records/preference.h"
#include "records/record_fields.h"
#include "records/record_format.h"
#include "records/tree.h"
#include "records/unread_fields.h"

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

/// Checks that every record of a file has the kind of its first one.
class FormatGate {
 public:
  FormatGate(const FieldNames& names, const std::vector<RecordFormat>& wanted) : names_(names), wanted_(wanted) {}

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
  const std::vector<RecordFormat>& wanted_;
  std::string first_place_;
  RecordKind kind_;
};

std::string joined(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text += (text.empty() ? "" : ", ") + pattern;
  return text;
}

bool has_template(const Demonstration& record) { return !record.chat && !record.whole; }
bool has_template(const Preference& record) { return !record.chat && !record.whole; }
bool has_template(const JudgedRecord& record) { return !record.chat && !record.whole; }
bool has_template(const Prompt& record) { return !record.chat; }

/// What a stage reads of records that are made for another one, for the report: ", chosen completions".
std::string part_read(Stage stage, RecordFormat format) {
  const RecordFormatInfo* info = find_format(format);
  if (info == nullptr || made_for(stage, info->stage)) return "";
  if (stage == Stage::ppo) return ", prompts";
  return format == RecordFormat::preference || format == RecordFormat::transcripts ? ", chosen completions"
                                                                                   : ", best completions";
}

/// Fields that rlhf-ppo does not pass on to reward functions and samples: none, but these belong into the prompt.
bool is_lost(Stage stage, const std::string& name) { return stage != Stage::ppo || is_context(name); }

/// Reads all lines; convert(fields, kind) makes the records of a line.
template <typename Record, typename Convert>
RecordCounts for_each_record(const std::vector<std::string>& patterns, const RecordReading& reading, Stage stage,
                             const RecordSink<Record>& sink, const Convert& convert) {
  check_given(sink, "sink", "a function");
  RecordCounts counts;
  const FieldNames names(reading.fields, stage);
  const std::vector<RecordFormat> formats = choose_formats(stage, reading.format);
  counts.files = expand_globs(patterns);
  for (const auto& file : counts.files) refuse_other_files(file);
  for (std::size_t i = 0; i < counts.files.size(); ++i) {
    FormatGate gate(names, formats);
    std::int64_t index = 0;
    const auto accept = [&](const JsonLine& line) {
      const RecordFields fields(line, names);
      std::vector<Record> records = convert(fields, gate.check(line));
      for (const std::string& name : fields.unread())
        if (is_lost(stage, name)) count_unread(counts.unread, name);
      if (records.empty()) ++(gate.kind().format == RecordFormat::judgments ? counts.tied : counts.without_sample);
      for (Record& record : records) {
        counts.chat |= static_cast<bool>(record.chat);
        counts.templated |= has_template(record);
        sink(std::move(record), {i, index, place_of(line)});
      }
      ++index;
    };
    counts.bad_lines += for_each_json_line(counts.files[i], reading.max_bad_lines - counts.bad_lines, accept,
                                           {reading.sample_by, reading.log_bad_lines});
    counts.file_crc32.push_back(crc32_of_file(counts.files[i], ExitCode::data));
    counts.file_kinds.push_back(shown(gate.kind()) + part_read(stage, gate.kind().format));
    counts.records += index;
    if (counts.format == RecordFormat::auto_) counts.format = gate.kind().format;
  }
  if (counts.records == 0)
    throw DataError("cannot read " + joined(patterns) + ": expected at least one record, found none");
  return counts;
}

/// The first completion that is rejected in no pair: the chosen one, or the best of a ranking.
const Answer& best_answer(const Preference& record) {
  const auto is_rejected = [&](std::size_t index) {
    return std::ranges::any_of(
        record.pairs, [&](const RankedPair& pair) { return static_cast<std::size_t>(pair.rejected) == index; });
  };
  std::size_t best = 0;
  while (is_rejected(best)) ++best;
  return record.answers.at(best);
}

Demonstration best_of(Preference record) {
  const Answer& best = best_answer(record);
  if (!record.chat) return {std::move(record.prompt), best.text, record.whole};
  Demonstration made{.chat = std::move(record.chat)};
  made.prompt_turns = made.chat.messages.size();
  for (const auto& turn : best.turns) made.chat.messages.push_back(turn);
  return made;
}

/// A conversation in which every assistant turn is a completion, but those that are marked not to be trained.
Demonstration conversation_of(const RecordFields& fields, const std::string& list) {
  auto messages = fields.answered(list);
  Demonstration record{.untrained = fields.untrained(list, messages)};
  const std::size_t turns = messages.size();
  record.chat = fields.conversation(std::move(messages));
  for (std::size_t& turn : record.untrained) turn += record.chat.messages.size() - turns;  // after `system`
  return record;
}

Demonstration completion_of_messages(const RecordFields& fields) {
  Demonstration record{.chat = fields.conversation(fields.question("prompt"))};
  record.prompt_turns = record.chat.messages.size();
  const auto completion = fields.answer("completion");
  for (const std::size_t turn : fields.untrained("completion", completion))
    record.untrained.push_back(record.prompt_turns + turn);
  for (const auto& turn : completion) record.chat.messages.push_back(turn);
  return record;
}

std::vector<Demonstration> demonstrations_of(const RecordFields& fields, const RecordKind& kind) {
  switch (kind.format) {
    case RecordFormat::text:
      return {{"", fields.text("text"), true}};
    case RecordFormat::messages:
      return {conversation_of(fields, "messages")};
    case RecordFormat::sharegpt:
      return {conversation_of(fields, "conversations")};
    case RecordFormat::alpaca:
      return {{fields.alpaca_prompt(), fields.text("output")}};
    case RecordFormat::demonstration:
      if (kind.chat) return {completion_of_messages(fields)};
      return {{fields.text("prompt"), fields.text("completion")}};
    case RecordFormat::tree: {
      auto path = best_path(read_tree(fields.tree()));
      if (path.empty()) return {};
      return {{.chat = {.messages = std::move(path)}}};
    }
    default: {
      std::vector<Demonstration> made;
      for (Preference& record : preferences_of(fields, kind.format, kind.chat, /*keep_judgments=*/false))
        made.push_back(best_of(std::move(record)));
      return made;
    }
  }
}

/// The messages without the assistant turns at their end.
nlohmann::ordered_json question_of(nlohmann::ordered_json messages, const std::string& place) {
  while (!messages.empty() && messages.back().at("role") == "assistant") messages.erase(messages.size() - 1);
  if (messages.empty()) throw BadRecord(place + ": expected a turn of another role than assistant, found none");
  return messages;
}

std::vector<Prompt> prompts_of(const RecordFields& fields, const RecordKind& kind, const std::string& place) {
  const std::string line = fields.whole_line();
  const auto chat = [&](nlohmann::ordered_json messages) {
    return std::vector<Prompt>{{"", line, fields.conversation(std::move(messages))}};
  };
  switch (kind.format) {
    case RecordFormat::messages:
      return chat(question_of(fields.messages("messages"), place));
    case RecordFormat::sharegpt:
      return chat(question_of(fields.messages("conversations"), place));
    case RecordFormat::alpaca:
      return {{fields.alpaca_prompt(), line}};
    case RecordFormat::tree: {
      std::vector<Prompt> prompts;
      for (auto& messages : prompts_of(read_tree(fields.tree()))) prompts.push_back({"", line, {std::move(messages)}});
      return prompts;
    }
    case RecordFormat::preference:
    case RecordFormat::transcripts: {
      if (fields.has_plain_prompt()) break;
      Preference pair = pair_of(fields, kind.format, kind.chat);
      if (pair.whole)
        throw BadRecord(place +
                        ": expected a prompt, or a beginning that chosen and rejected share, found "
                        "none");
      return {{std::move(pair.prompt), line, std::move(pair.chat)}};
    }
    default:
      break;
  }
  if (kind.chat) return chat(fields.question("prompt"));
  return {{fields.text("prompt"), line}};
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

std::string RecordCounts::kind() const {
  constexpr std::size_t kShownKinds = 8;
  std::vector<std::pair<std::string, std::string>> kinds;  // kind, files
  for (std::size_t i = 0; i < file_kinds.size(); ++i) {
    const auto known = std::ranges::find(kinds, file_kinds[i], &std::pair<std::string, std::string>::first);
    const std::string name = files[i].filename().string();
    if (known == kinds.end()) {
      kinds.emplace_back(file_kinds[i], name);
    } else if (known->second.size() < 200) {
      known->second += ", " + name;
    }
  }
  if (kinds.size() == 1) return kinds.front().first;
  std::string text;
  for (std::size_t i = 0; i < std::min(kinds.size(), kShownKinds); ++i)
    text += (text.empty() ? "" : "; ") + kinds[i].first + " (" + kinds[i].second + ")";
  return text;
}

std::vector<std::string> RecordCounts::notes() const {
  std::vector<std::string> lines = unread_notes(unread);
  if (tied > 0) lines.push_back(std::to_string(tied) + " records of judgments left out: they give no label");
  if (without_sample > 0) lines.push_back(std::to_string(without_sample) + " records without anything to train on");
  return lines;
}

std::vector<std::string> RecordCounts::warnings() const { return unread_warnings(unread); }

RecordCounts for_each_demonstration(const std::vector<std::string>& patterns, const RecordReading& reading,
                                    const RecordSink<Demonstration>& sink) {
  return for_each_record<Demonstration>(patterns, reading, Stage::sft, sink, demonstrations_of);
}

RecordCounts for_each_preference(const std::vector<std::string>& patterns, const RecordReading& reading,
                                 const RecordSink<Preference>& sink) {
  const auto convert = [&](const RecordFields& fields, const RecordKind& kind) {
    return preferences_of(fields, kind.format, kind.chat, reading.keep_judgments);
  };
  return for_each_record<Preference>(patterns, reading, reading.unpaired ? Stage::dpo : Stage::reward_model, sink,
                                     convert);
}

RecordCounts for_each_judged(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const RecordSink<JudgedRecord>& sink) {
  RecordReading only = reading;
  only.format = RecordFormat::judgments;
  const auto convert = [](const RecordFields& fields, const RecordKind& kind) {
    std::vector<JudgedRecord> made;
    made.push_back(read_judged(fields, kind.chat));
    return made;
  };
  return for_each_record<JudgedRecord>(patterns, only, Stage::reward_model, sink, convert);
}

RecordCounts for_each_prompt(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const RecordSink<Prompt>& sink) {
  const auto convert = [](const RecordFields& fields, const RecordKind& kind) {
    return prompts_of(fields, kind, fields.place());
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
