#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/records/records.h"

#include "records/record_format.h"

namespace rlhf {

/// "file:line".
std::string place_of(const JsonLine& line);

/// The fields of one record, by their names in the format. Each function throws BadRecord "file:line: field: expected
/// …, found …".
class RecordFields {
 public:
  RecordFields(const JsonLine& line, const FieldNames& names) : record_(reader_of(line)), names_(names) {}

  std::string text(const std::string& ours) const { return field(ours).string(); }
  bool is_text(const std::string& ours) const;
  std::vector<RankedPair> pair() const;  ///< chosen and rejected, with "margin" (0 if absent)
  std::string whole_line() const { return record_.value().dump(); }
  std::string alpaca_prompt() const;

  nlohmann::ordered_json question(const std::string& ours) const;  ///< messages that do not end with an assistant turn
  nlohmann::ordered_json answer(const std::string& ours) const;    ///< messages that begin and end with assistant turns
  nlohmann::ordered_json answered(const std::string& ours) const;  ///< messages that end with an assistant turn
  nlohmann::ordered_json sharegpt() const;
  /// The messages with the record's "tools" and "chat_template_kwargs".
  Conversation conversation(nlohmann::ordered_json messages) const;

  /// {"chosen", "rejected"} as texts "\n\nHuman: …\n\nAssistant: …": the prompt ends with the last "\n\nAssistant:"
  /// that both share.
  Preference split_transcripts() const;
  /// The same as messages: the prompt is the common beginning of both lists.
  Preference split_conversations() const;
  /// {"prompt", "completions": [{"text", "rank"}]}; with `chat` the prompt is messages and each text an assistant turn.
  Preference ranking(bool chat) const;

 private:
  JsonReader field(const std::string& ours) const { return record_.at(names_(ours)); }
  std::string where(const std::string& ours) const { return field(ours).place(); }
  std::string optional_text(const std::string& ours) const;
  nlohmann::ordered_json messages(const std::string& ours) const;

  JsonReader record_;
  const FieldNames& names_;
};

}  // namespace rlhf
