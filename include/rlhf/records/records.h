#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/choices.h"
#include "rlhf/config/record_formats.h"

namespace rlhf {

struct JudgedRecord;  // records/judgments.h

/// The input of a chat template. Messages are objects {"role", "content", …}; all other keys are passed to the template
/// unchanged, but keys whose value is null are removed.
struct Conversation {
  nlohmann::ordered_json messages;         ///< an array; null if the record has plain texts
  nlohmann::ordered_json tools;            ///< the record's "tools", an array; null if absent
  nlohmann::ordered_json template_kwargs;  ///< the record's "chat_template_kwargs", an object; null if absent
  explicit operator bool() const { return !messages.is_null(); }
};

/// A record of SFT: {"prompt","completion"}; {"text"} with an empty prompt and `whole` true; Alpaca's
/// {"instruction","input","output"} with the published prompt. With messages, `chat` is the whole conversation and its
/// first `prompt_turns` messages are the prompt; 0 for {"messages"} and ShareGPT, where every assistant turn is a
/// completion. Of pairs, rankings and trees it has the chosen or best completion. `untrained` are the indices of the
/// messages that are marked not to be trained ({"weight": 0}), in order.
struct Demonstration {
  std::string prompt;
  std::string completion;
  bool whole = false;
  Conversation chat = {};
  std::size_t prompt_turns = 0;
  std::vector<std::size_t> untrained = {};
};

/// A completion of a prompt: a text, or the messages after those of the prompt.
struct Answer {
  std::string text;
  nlohmann::ordered_json turns = {};
};

/// A pair of two completions of one prompt, by their indices, and what its loss depends on (algo/reward_loss.h). The
/// defaults are those of an answer beyond doubt.
struct RankedPair {
  std::int32_t chosen = 0, rejected = 1;
  float margin = 0;                                         ///< in reward units, >= 0
  float weight = 1;                                         ///< factor of its loss, > 0
  float target = 1;                                         ///< the chosen one is better with this probability
  float evidence = std::numeric_limits<float>::infinity();  ///< log-odds that votes give to the chosen one
  float trust = 1;                                          ///< factor of the difference of the scores, >= 0
  std::int32_t judged = -1;  ///< the number of a pair with votes (data/judged_votes.h), which set the label; or -1
};

/// A record of the reward model or of DPO: completions of one prompt, and the pairs that order them.
///   {"prompt","chosen","rejected"}, optionally "margin", "weight", "probability": two completions, one pair
///   {"chosen","rejected"}: the same; the prompt is the beginning that both share. If there is none, `whole` is true
///   and the answers are whole texts or conversations, to which no prompt template applies
///   {"prompt","completions":[{"text","rank"}]}: K completions; every two with different ranks are a pair (the lower
///   rank is chosen)
///   {"prompt","responses","judgments"}: the pairs of the majority (records/judgments.h)
///   {"prompt":{"role","text","replies"}}: a tree; every two or more ranked replies to one message are such a record
///   {"prompt","completion","label"}: one completion, no pair
/// With messages, `chat` is the prompt.
struct Preference {
  std::string prompt;
  std::vector<Answer> answers;
  std::vector<RankedPair> pairs;
  Conversation chat = {};
  bool whole = false;
  std::shared_ptr<const JudgedRecord> judged = {};  ///< with RecordReading::keep_judgments
  std::optional<bool> desirable = {};               ///< the label of a single completion, which is in no pair
};

/// A record with a prompt for sampling: {"prompt"}, a string or messages, or the prompt of any other format. `extra` is
/// the whole record as JSON text, for reward functions and for the output.
struct Prompt {
  std::string prompt;
  std::string extra;
  Conversation chat = {};
};

/// How to read a list of files.
struct RecordReading {
  std::map<std::string, std::string> fields;  ///< name in the format -> name in the file, {"prompt": "question"}
  std::int64_t max_bad_lines = 0;             ///< for all files together
  RecordFormat format = RecordFormat::auto_;  ///< auto: recognised from the first record of each file
  SampleBy sample_by = SampleBy::line;        ///< what is a record of a .txt file
  bool log_bad_lines = true;                  ///< false: bad lines are counted only
  /// A record of judgments also gives Preference::judged, and one without a majority gives a record without pairs.
  bool keep_judgments = false;
  bool unpaired = false;  ///< of for_each_preference: also reads single completions with a label
};

/// What was read; printed at the start of a run.
struct RecordCounts {
  std::vector<std::filesystem::path> files;
  std::vector<std::uint32_t> file_crc32;  ///< checksums of the files, for run.json and resume
  std::vector<std::string> file_kinds;    ///< of each file: "demonstration records", "preference records of messages"
  RecordFormat format = RecordFormat::auto_;  ///< of the first file
  bool chat = false;                          ///< there are messages: the chat template applies
  bool templated = false;                     ///< there are plain texts with a prompt: the prompt template applies
  std::int64_t records = 0;
  std::int64_t bad_lines = 0;
  std::int64_t tied = 0;                       ///< records of judgments without a majority
  std::int64_t without_sample = 0;             ///< trees without an answer, or without ranked replies
  std::map<std::string, std::int64_t> unread;  ///< fields that nothing reads -> number of records that have them
  /// The kind of all files, or each kind with its files.
  std::string kind() const;
  /// One line for each fact that is not in `kind`: fields that were not read, records without a sample.
  std::vector<std::string> notes() const;
  /// One line for each loss that a user should know of: fields that are not read although they carry a meaning.
  std::vector<std::string> warnings() const;
};

/// The position of a record.
struct RecordPlace {
  std::size_t file = 0;    ///< index into RecordCounts::files
  std::int64_t index = 0;  ///< 0-based index among the records of its file
  std::string text;        ///< "file:line"
};

template <typename Record>
using RecordSink = std::function<void(Record record, const RecordPlace& place)>;

/// Reads files record by record, so that they may be larger than memory. `patterns` are paths or globs.
///
/// The format is set in `reading` or recognised from the first record of each file. All records of a file must have the
/// same format, and all must be plain texts or all messages. A record can give several results (a tree) or none. Throws
/// DataError if there are no records, if the first record has the format of another tool (the message names the tool),
/// or if a file is of another kind (Parquet and the like; the message has the command that converts it). A BadRecord
/// (records/jsonl.h) is skipped up to `max_bad_lines` times. Throws ConfigError if `reading` renames an unknown field
/// or has a format of another tool.
RecordCounts for_each_demonstration(const std::vector<std::string>& patterns, const RecordReading& reading,
                                    const RecordSink<Demonstration>& sink);
RecordCounts for_each_preference(const std::vector<std::string>& patterns, const RecordReading& reading,
                                 const RecordSink<Preference>& sink);
RecordCounts for_each_prompt(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const RecordSink<Prompt>& sink);

template <typename Record>
struct Records {
  std::vector<Record> records;
  RecordCounts counts;
};

/// The same, reading all records into memory.
Records<Demonstration> read_demonstrations(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Preference> read_preferences(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Prompt> read_prompts(const std::vector<std::string>& patterns, const RecordReading& reading);

}  // namespace rlhf
