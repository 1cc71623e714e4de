#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/records/records.h"

#include "records/record_format.h"

namespace rlhf {

/// Rewards differ by a few units. A margin near the largest float makes losses that are not finite.
inline constexpr double kMaxMargin = 1e6;
inline constexpr double kMaxWeight = 1e6;  ///< of a pair
/// What begins an answer in a transcript of HH.
inline constexpr std::string_view kAssistantTurn = "\n\nAssistant:";

/// "file:line".
std::string place_of(const JsonLine& line);

/// The fields of one record, by their names in the format. Remembers which fields were read. Each function throws
/// BadRecord "file:line: field: expected …, found …". An optional field that is null is absent.
class RecordFields {
 public:
  RecordFields(const JsonLine& line, const FieldNames& names) : record_(reader_of(line)), names_(names) {}

  JsonReader field(const std::string& ours) const;
  std::optional<JsonReader> optional(const std::string& ours) const;  ///< nullopt if absent or null
  std::string text(const std::string& ours) const { return field(ours).string(); }
  std::string optional_text(const std::string& ours) const;  ///< "" if absent or null
  bool is_text(const std::string& ours) const { return field(ours).is_string(); }
  /// Whether the prompt alone is the whole prompt: it is not a text beside lists of messages, which repeat it.
  bool has_plain_prompt() const;
  /// Chosen and rejected, with "margin", "weight" and "probability"; none if the weight is 0.
  std::vector<RankedPair> pair() const;
  std::string whole_line() const { return record_.value().dump(); }
  /// The published prompt of Alpaca, with "system" in place of its first sentences and the turns of "history" before
  /// it.
  std::string alpaca_prompt() const;

  nlohmann::ordered_json messages(const std::string& ours) const;
  nlohmann::ordered_json question(const std::string& ours) const;  ///< messages that do not end with an assistant turn
  nlohmann::ordered_json answer(const std::string& ours) const;    ///< messages that begin and end with assistant turns
  nlohmann::ordered_json answered(const std::string& ours) const;  ///< messages that end with an assistant turn
  /// The turns of a list that are marked not to be trained (records/turn_marks.h).
  std::vector<std::size_t> untrained(const std::string& ours, const nlohmann::ordered_json& messages) const;
  /// The messages with the record's "tools" and "chat_template_kwargs", and with its "system" before them unless they
  /// begin with a system message.
  Conversation conversation(nlohmann::ordered_json messages) const;
  JsonReader tree() const { return field("prompt"); }
  std::string place() const { return record_.place(); }  ///< "file:line"

  /// {"chosen", "rejected"} as texts "\n\nHuman: …\n\nAssistant: …": the prompt ends with the last "\n\nAssistant:"
  /// that both share. Without one, the texts are compared as they are.
  Preference split_transcripts() const;
  /// The same as messages: the prompt is the common beginning of both lists. If there is none, it is the text `prompt`,
  /// else the conversations are compared as they are.
  Preference split_conversations(bool has_prompt) const;
  /// {"prompt", "completions": [{"text", "rank"}]}; with `chat` the prompt is messages and each text an assistant turn.
  Preference ranking(bool chat) const;
  /// {"prompt", "completion", "label"}; with `chat` as messages.
  Preference unpaired(bool chat) const;

  /// The names in the file of the fields that were not read, but those that are null or empty.
  std::vector<std::string> unread() const;
  /// These fields with their values.
  nlohmann::ordered_json rest() const;

 private:
  std::string where(const std::string& ours) const { return field(ours).place(); }
  std::string alpaca_history() const;
  nlohmann::ordered_json tools() const;

  JsonReader record_;
  const FieldNames& names_;
  mutable std::vector<std::string> read_, unread_marks_;
};

}  // namespace rlhf
