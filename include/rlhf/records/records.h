#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/record_formats.h"

namespace rlhf {

/// What a chat template makes text of. Messages are objects {"role", "content", …} in the order of the file; all other
/// keys go to the template as they are.
struct Conversation {
  nlohmann::ordered_json messages;         ///< an array; null where a record holds plain texts
  nlohmann::ordered_json tools;            ///< the record's "tools", an array; null without
  nlohmann::ordered_json template_kwargs;  ///< its "chat_template_kwargs", an object; null without
  explicit operator bool() const { return !messages.is_null(); }
};

/// {"text"}: `prompt` is empty and `whole` is true. {"prompt","completion"}; Alpaca's {"instruction","input","output"},
/// the prompt in its published words. With messages: `chat` holds the whole conversation, of which the first
/// `prompt_turns` messages are prompt ({"messages"} and ShareGPT: 0, every assistant's turn is an answer).
struct Demonstration {
  std::string prompt;
  std::string completion;
  bool whole = false;
  Conversation chat = {};
  std::size_t prompt_turns = 0;
};

/// An answer to a prompt: a text, or the messages that follow those of the prompt.
struct Answer {
  std::string text;
  nlohmann::ordered_json turns = {};
};

/// Of two answers to one prompt, by their indices, the better and the worse.
struct RankedPair {
  std::int32_t chosen = 0, rejected = 1;
  float margin = 0;  ///< in reward units, >= 0
};

/// Answers to one prompt and which are better than which. {"prompt","chosen","rejected"}, optionally "margin";
/// {"chosen","rejected"} with the prompt that both begin with: two answers, one pair.
/// {"prompt","completions":[{"text","rank"}]}: K answers, a pair of every two whose ranks differ, the lower rank the
/// better. With messages: `chat` is the prompt.
struct Preference {
  std::string prompt;
  std::vector<Answer> answers;
  std::vector<RankedPair> pairs;
  Conversation chat = {};
};

/// {"prompt"}, a string or messages; `extra` is the whole line as JSON text, for reward functions and for outputs that
/// carry it on.
struct Prompt {
  std::string prompt;
  std::string extra;
  Conversation chat = {};
};

/// How to read the files of one list.
struct RecordReading {
  std::map<std::string, std::string> fields;  ///< our name -> the file's name, e.g. {"prompt": "question"}
  std::int64_t max_bad_lines = 0;             ///< over all files together
  RecordFormat format = RecordFormat::auto_;
};

/// What reading found; printed at the start of a run.
struct RecordCounts {
  std::vector<std::filesystem::path> files;
  std::vector<std::uint32_t> file_crc32;  ///< of the file's bytes, for run.json and for resume
  RecordFormat format = RecordFormat::auto_;
  bool chat = false;  ///< the records hold messages, not plain texts
  std::int64_t records = 0;
  std::int64_t bad_lines = 0;
  /// "demonstration records" or "preference records of messages".
  std::string kind() const;
};

/// Where a record stands.
struct RecordPlace {
  std::size_t file = 0;    ///< index into RecordCounts::files
  std::int64_t index = 0;  ///< among the records of its file, from 0
  std::string text;        ///< "file:line"
};

template <typename Record>
using RecordSink = std::function<void(Record record, const RecordPlace& place)>;

/// Reads record by record, so that files may be larger than memory. The format is set in `reading` or recognised from
/// the first record; all records must have it, and must be alike in holding plain texts or messages. A format of
/// another tool is refused by its name with the tool that reads it; Parquet and the like are refused by name.
/// `max_bad_lines` of `reading` skips a BadRecord (records/jsonl.h); a first record of the wrong format is a DataError,
/// as are empty data. A field name of ours that does not exist, a format of another tool in `reading`: ConfigError.
/// `patterns` are paths or globs.
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

/// The same, all at once.
Records<Demonstration> read_demonstrations(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Preference> read_preferences(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Prompt> read_prompts(const std::vector<std::string>& patterns, const RecordReading& reading);

}  // namespace rlhf
