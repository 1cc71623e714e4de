#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {

/// A fault of one record, which a reader may skip. All other errors stop reading.
struct BadRecord : DataError {
  using DataError::DataError;
};

/// One record of a JSONL file, or of a `.json` file with one array of records.
struct JsonLine {
  const std::filesystem::path& file;
  std::int64_t line;                    ///< 1-based
  const nlohmann::ordered_json& value;  ///< an object
};

/// Calls `accept` for every record of a file.
///
/// `.jsonl` and `.jsonl.gz` have one JSON object per line, in strict UTF-8. Empty lines are skipped; CRLF, a missing
/// final newline and a BOM at the start of the file are accepted. Duplicate keys, NUL, more than 64 levels and lines
/// over 64 MiB are errors. A `.json` or `.json.gz` that begins with "[" is one array of such objects; its elements are
/// read one by one.
///
/// A BadRecord, of the line itself or thrown by `accept`, is counted and logged as a warning, up to `max_bad_lines`
/// times; the next one is thrown as "file:line: field: expected …, found …". Returns the number of bad lines skipped in
/// this file. Throws DataError if the file is missing or unreadable. Polls stop_if_signalled().
std::int64_t for_each_json_line(const std::filesystem::path& file, std::int64_t max_bad_lines,
                                const std::function<void(const JsonLine&)>& accept);

/// A reader of the record, whose errors are BadRecords "file:line: field: expected …, found …".
JsonReader reader_of(const JsonLine& line);
/// Returns a required string field. Throws BadRecord.
std::string string_field(const JsonLine& line, std::string_view field);

/// Expands paths and glob patterns ("data/*.jsonl") to a sorted list of files. A path that exists is not a pattern,
/// even if it contains brackets. Throws DataError if a pattern has no match or a file is listed twice.
std::vector<std::filesystem::path> expand_globs(const std::vector<std::string>& patterns);

}  // namespace rlhf
