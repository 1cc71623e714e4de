#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/choices.h"
#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {

/// A fault of one record, which a reader may skip. All other errors stop reading.
struct BadRecord : DataError {
  using DataError::DataError;
};

/// One record of a JSONL file, of a JSON file with one array of records, or of a text file.
struct JsonLine {
  const std::filesystem::path& file;
  std::int64_t line;                    ///< 1-based
  const nlohmann::ordered_json& value;  ///< an object
};

/// How to read a file.
struct LineReading {
  SampleBy sample_by = SampleBy::line;  ///< what is a record of a `.txt` file
  bool log_bad_lines = true;            ///< false: count them only
  bool allow_nul = false;               ///< "\u0000" in a text: a model with tokens of single bytes can sample it
};

/// Calls `accept` for every record of a file.
///
/// JSONL has one JSON object per line, in strict UTF-8. Empty lines are skipped; CRLF, a missing final newline and a
/// BOM at the start of the file are accepted, and so are NaN and Infinity, as Python writes them (a field that is read
/// must not have them). Duplicate keys, NUL, more than 64 levels and lines over 64 MiB are errors. A file that begins
/// with
/// "[" is one array of such objects; its elements are read one by one. A `.txt` file has one record {"text"} for each
/// line that is not blank, for each paragraph (blank lines are between them), or one for all of it (`sample_by`). All
/// may be compressed (`.gz`).
///
/// A BadRecord, of the line itself or thrown by `accept`, is counted and logged as a warning, up to `max_bad_lines`
/// times; the next one is thrown as "file:line: field: expected …, found …". Returns the number of bad lines skipped in
/// this file. Throws DataError if the file is missing or unreadable. Polls stop_if_signalled().
std::int64_t for_each_json_line(const std::filesystem::path& file, std::int64_t max_bad_lines,
                                const std::function<void(const JsonLine&)>& accept, const LineReading& reading = {});

/// A reader of the record, whose errors are BadRecords "file:line: field: expected …, found …".
JsonReader reader_of(const JsonLine& line);
/// Returns a required string field. Throws BadRecord.
std::string string_field(const JsonLine& line, std::string_view field);

/// Expands paths and glob patterns ("data/*.jsonl") to a sorted list of files. A path that exists is not a pattern,
/// even if it contains brackets. Throws DataError if a pattern has no match or a file is listed twice.
std::vector<std::filesystem::path> expand_globs(const std::vector<std::string>& patterns);

}  // namespace rlhf
