#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/records/records.h"

namespace rlhf {

/// Who judged: one of many people, an expert, whose answers can anchor those of the others, or a model.
enum class AnnotatorRole { crowd, expert, ai };
/// "crowd", "expert", "ai".
std::string_view name_of(AnnotatorRole role);

/// An answer to the question which of the responses is the best.
struct Verdict {
  enum class Kind { choice, ranks, tie, both_bad };
  Kind kind = Kind::choice;
  std::int32_t choice = 0;    ///< of kind choice: the index of the best response
  std::vector<double> ranks;  ///< of kind ranks: one per response; the lowest is the best, equal ranks are a tie

  /// The place of each of `responses` responses: 0 for the best ones, 1 for the next, … All are 0 after a tie, and all
  /// but the chosen one are 1 after a choice.
  std::vector<std::int32_t> places(std::size_t responses) const;
  /// Of two of `responses` responses: +1 if `first` is better, −1 if `second` is, 0 for a tie; nullopt if the verdict
  /// does not say it: of the responses that were not chosen, nobody knows which is better.
  std::optional<int> preference(std::size_t responses, std::size_t first, std::size_t second) const;
  bool operator==(const Verdict&) const = default;
};

/// What one annotator said about the responses of a record.
struct Judgment {
  std::string annotator;  ///< never empty
  AnnotatorRole role = AnnotatorRole::crowd;
  Verdict verdict;
  std::int32_t scale = 0;           ///< steps of the scale: 2, 3, 5 or 7; 0: not known
  std::int32_t strength = 0;        ///< of a choice: steps from the middle, 1 to scale / 2; 0: not known
  std::vector<std::int32_t> order;  ///< the responses in the order in which they were shown; empty: not known
  std::optional<double> seconds;    ///< that the annotator took, >= 0
  std::vector<std::string> tags;
  std::string note;
  std::string guideline;         ///< version of the instructions to the annotator
  nlohmann::ordered_json extra;  ///< an object: all other fields
};

/// One of the responses that are judged.
struct JudgedResponse {
  std::string id;  ///< "" if it has none; different ids in a record
  Answer answer;
  std::string source;            ///< what wrote it, for example the name of a model
  nlohmann::ordered_json extra;  ///< an object: all other fields
};

/// What was concluded from the judgments of two responses.
struct JudgmentLabel {
  std::int32_t chosen = 0;             ///< index of the response that is probably better
  std::optional<double> probability;   ///< that it is better, 0 to 1
  std::optional<double> weight;        ///< of the pair in training, >= 0
  std::optional<double> margin;        ///< in reward units, >= 0
  std::string method;                  ///< how it was concluded
  std::vector<JudgmentLabel> history;  ///< the labels before this one, the oldest first
  nlohmann::ordered_json extra;        ///< an object: all other fields
};

/// A record of format "judgments" (docs/formats.md): 2 to 64 responses to one prompt, and what annotators said about
/// them. With messages, `chat` is the prompt.
struct JudgedRecord {
  nlohmann::ordered_json id;  ///< a text or a whole number; null if it has none
  std::string prompt;
  std::vector<JudgedResponse> responses;
  std::string domain;
  std::string belief;               ///< what the asker believes; "" if that is not known, or only the prompt says it
  std::vector<Judgment> judgments;  ///< at least one
  std::optional<Verdict> gold;      ///< the checked answer
  std::optional<JudgmentLabel> label;
  Conversation chat = {};
  bool whole = false;            ///< the prompt is empty: the responses are whole texts or conversations
  nlohmann::ordered_json extra;  ///< an object: all other fields of the record
};

/// Reads files of judgments record by record, like for_each_preference (records/records.h); only this format is read.
/// Throws BadRecord "file:line: judgments[0].role: expected one of crowd, expert, ai, found …", also if a judgment is
/// not exactly one of choice, ranks, tie and both_bad, if a strength is not on its scale, if a choice names no
/// response, and for what check_judged refuses.
RecordCounts for_each_judged(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const RecordSink<JudgedRecord>& sink);

/// Throws BadRecord if the record has fewer than 2 or more than 64 responses, two responses of the same id, no
/// judgments, a judgment without an annotator, or two judgments of one expert that contradict each other: one prefers a
/// response to another and the other the reverse, or only one of them is a tie. `place` is "file:line".
void check_judged(const JudgedRecord& record, const std::string& place);

/// The text of an answer; that of messages is the text of all of them, a line each.
std::string text_of(const Answer& answer);
/// What the user asked: the prompt, or with messages the texts of the user's messages.
std::string asked_text(const std::string& prompt, const Conversation& chat);

/// The record as a JSON object of this format. Reading it gives the same record.
nlohmann::ordered_json to_json(const JudgedRecord& record);

/// The pairs that the majority of the judgments gives. Each response has a count: over all judgments, the responses
/// that it was preferred to minus those that were preferred to it (Borda 1784). The response with the higher count is
/// chosen; equal counts give no pair. For two responses that is the choice of more than half of the votes that are not
/// ties. All judgments count the same; `gold` and `label` are not used.
std::vector<RankedPair> majority_pairs(const JudgedRecord& record);

/// The share of the judgments that prefer the chosen response of `pair` to the rejected one; ties count half.
double vote_share(const JudgedRecord& record, const RankedPair& pair);

}  // namespace rlhf
