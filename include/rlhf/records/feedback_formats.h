#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rlhf/config/record_formats.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

/// Formats of human feedback that are read as judgments.
enum class FeedbackFormat { judgments, trl, hh, oasst, argilla, label_studio, pandalm, arena, llmbar };

struct FeedbackFormatInfo {
  FeedbackFormat format;
  std::string_view name;  ///< as in rlhf-feedback convert --from
  bool written;           ///< it can be written too
  bool anonymous;         ///< it does not say who judged
  FieldList fields;       ///< that can have other names in a file
  std::string_view what;  ///< the description in --help and docs/formats.md
};

inline constexpr FeedbackFormatInfo kFeedbackFormats[] = {
    {.format = FeedbackFormat::judgments,
     .name = "judgments",
     .written = true,
     .anonymous = false,
     .fields = {"prompt", "responses", "judgments", "id", "domain", "belief", "gold", "label"},
     .what = "records with every judgment of every annotator"},
    {.format = FeedbackFormat::trl,
     .name = "trl",
     .written = true,
     .anonymous = true,
     .fields = {"prompt", "chosen", "rejected", "margin", "weight", "probability", "id", "domain"},
     .what = "pairs of TRL: prompt, chosen, rejected, as texts or messages"},
    {.format = FeedbackFormat::hh,
     .name = "hh",
     .written = true,
     .anonymous = true,
     .fields = {"chosen", "rejected", "margin", "weight", "probability", "id", "domain"},
     .what = "pairs of whole transcripts, as in HH-RLHF: chosen, rejected"},
    {.format = FeedbackFormat::oasst,
     .name = "oasst",
     .written = false,
     .anonymous = true,
     .fields = {"prompt"},
     .what = "trees of messages with ranked replies (OASST)"},
    {.format = FeedbackFormat::argilla,
     .name = "argilla",
     .written = false,
     .anonymous = false,
     .fields = {"prompt", "response1", "response2", "response3", "response4", "preference", "domain"},
     .what = "JSON export of Argilla: fields prompt, response1, response2, …; question preference"},
    {.format = FeedbackFormat::label_studio,
     .name = "label_studio",
     .written = false,
     .anonymous = false,
     .fields = {"prompt", "answer1", "answer2", "domain"},
     .what = "JSON export of Label Studio with a Pairwise tag: data prompt, answer1, answer2"},
    {.format = FeedbackFormat::pandalm,
     .name = "pandalm",
     .written = false,
     .anonymous = false,
     .fields = {"instruction", "input", "response1", "response2"},
     .what = "PandaLM's test set: annotator1, annotator2, …: 1, 2, or 0 for a tie"},
    {.format = FeedbackFormat::arena,
     .name = "arena",
     .written = false,
     .anonymous = false,
     .fields = {"conversation_a", "conversation_b", "winner", "judge"},
     .what = "battles of Chatbot Arena and MT-bench: winner model_a, model_b, tie, tie (bothbad)"},
    {.format = FeedbackFormat::llmbar,
     .name = "llmbar",
     .written = false,
     .anonymous = true,
     .fields = {"input", "output_1", "output_2", "label"},
     .what = "LLMBar: label 1 or 2, the checked answer of its authors"},
};

/// The entry of a format.
constexpr const FeedbackFormatInfo& info_of(FeedbackFormat format) {
  return kFeedbackFormats[static_cast<std::size_t>(format)];
}

/// How to read a file.
struct FeedbackReading {
  FeedbackFormat format = FeedbackFormat::judgments;
  std::map<std::string, std::string> fields;  ///< name in the format -> name in the file
  std::string annotator;                      ///< of a format that is anonymous; "": the name of the format
  std::optional<AnnotatorRole> role;          ///< where the file says none; default: expert for llmbar, else crowd
};

/// A kind of thing -> how often it was lost.
using Losses = std::map<std::string, std::int64_t>;

/// What was read.
struct FeedbackCounts {
  std::int64_t records = 0, judgments = 0;  ///< given to the sink
  Losses left_out;                          ///< what is in the file and not in the records
};

/// Reads a file of feedback and gives its records to `sink`. docs/formats.md says what becomes of each field; fields
/// that have no place become `extra`. Battles of one pair with different judges are one record, so all of a file of
/// battles is held in memory. Throws DataError "file:line: field: expected …, found …", also if there are no records,
/// and ConfigError if `how` renames an unknown field.
FeedbackCounts for_each_feedback(const std::filesystem::path& file, const FeedbackReading& how,
                                 const std::function<void(JudgedRecord)>& sink);

}  // namespace rlhf
