#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rlhf {

/// What one line of a data file means.
enum class RecordFormat { text, demonstration, preference, prompt };
std::string to_string(RecordFormat format);

/// {"text"}: `prompt` is empty and `whole` is true; {"prompt","completion"} otherwise.
struct Demonstration {
  std::string prompt;
  std::string completion;
  bool whole = false;
};

/// {"prompt","chosen","rejected"} and optionally "margin" (in reward units, >= 0).
struct Preference {
  std::string prompt;
  std::string chosen;
  std::string rejected;
  double margin = 0.0;
};

/// {"prompt"}; `extra` is the whole line as JSON text, for reward functions and for outputs that carry it on.
struct Prompt {
  std::string prompt;
  std::string extra;
};

/// How to read the files of one list.
struct RecordReading {
  std::map<std::string, std::string> fields;  ///< our name -> the file's name, e.g. {"prompt": "question"}
  std::int64_t max_bad_lines = 0;             ///< over all files together
};

/// What reading found; printed at the start of a run.
struct RecordCounts {
  std::vector<std::filesystem::path> files;
  std::vector<std::uint32_t> file_crc32;  ///< of the file's bytes, for run.json and for resume
  RecordFormat format = RecordFormat::text;
  std::int64_t records = 0;
  std::int64_t bad_lines = 0;
};

template <typename Record>
struct Records {
  std::vector<Record> records;
  RecordCounts counts;
};

/// The format is recognised from the first record and must hold for all. A format that fits another tool is refused by
/// its name with the tool that takes it; {"messages"}, Parquet and the like are refused by name; `max_bad_lines` does
/// not forgive a first record of the wrong format. Empty data: DataError. A field name of ours that does not exist:
/// ConfigError. `patterns` are paths or globs.
Records<Demonstration> read_demonstrations(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Preference> read_preferences(const std::vector<std::string>& patterns, const RecordReading& reading);
Records<Prompt> read_prompts(const std::vector<std::string>& patterns, const RecordReading& reading);

}  // namespace rlhf
