#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

namespace rlhf {

/// A fault of one record, which reading may skip. Every other error stops the reading.
struct BadRecord : DataError {
  using DataError::DataError;
};

/// One record of a JSONL file, or of a `.json` file that holds one array of them.
struct JsonLine {
  const std::filesystem::path& file;
  std::int64_t line;                    ///< 1-based
  const nlohmann::ordered_json& value;  ///< an object
};

/// Reads `.jsonl` or `.jsonl.gz` line by line: strict UTF-8, one JSON object a line, empty lines skipped, CRLF and a
/// missing final newline accepted, BOM only at the start, duplicate keys, NUL, depth over 64 and lines over 64 MiB
/// refused. A `.json` or `.json.gz` that begins with "[" is one array of such objects, read one by one. A BadRecord, of
/// the line itself or thrown by `accept`, is counted and warned about while `max_bad_lines` allows, else it is thrown
/// as "file:line: field: expected …, found …". Returns the number of bad lines skipped in this file. Throws DataError
/// if the file is missing or unreadable. Polls stop_if_signalled().
std::int64_t for_each_json_line(const std::filesystem::path& file, std::int64_t max_bad_lines,
                                const std::function<void(const JsonLine&)>& accept);

/// A required string field; throws BadRecord naming file, line, field, what was expected and found.
std::string string_field(const JsonLine& line, std::string_view field);

/// Paths and glob patterns ("data/*.jsonl") to a sorted list of files; a pattern without a match and a file listed
/// twice are a DataError. A path that exists is taken as it is, brackets included.
std::vector<std::filesystem::path> expand_globs(const std::vector<std::string>& patterns);

}  // namespace rlhf
