// Reads the records of JSONL and JSON files, and expands globs.
#include "rlhf/records/jsonl.h"

#include <algorithm>
#include <glob.h>
#include <memory>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"

#include "records/line_reader.h"

namespace rlhf {
namespace {

std::string where(const std::filesystem::path& file, std::int64_t line) {
  return file.string() + ":" + std::to_string(line);
}

nlohmann::ordered_json parse_line(std::string_view text, const std::string& place) {
  if (text.size() > LineReader::kMaxLineBytes)
    throw BadRecord(place + ": expected a line of at most 64 MiB, found a longer one; hint: write one record per line");
  if (text.starts_with("\xEF\xBB\xBF"))
    throw BadRecord(place + ": expected a byte order mark only at the start of the file, found one here");
  auto value = parse_json(text, place, throw_as<BadRecord>, {.allow_escaped_nul = false});
  if (!value.is_object())
    throw BadRecord(place + ": expected one JSON object, found " + shown_json(value) +
                    (value.is_array() ? "; hint: name a file with one array of records FILE.json" : ""));
  return value;
}

std::vector<std::filesystem::path> expand_glob(const std::string& pattern) {
  std::error_code ignored;
  if (std::filesystem::exists(pattern, ignored)) return {pattern};  // a file name may contain brackets
  glob_t found{};
  const std::unique_ptr<glob_t, decltype(&globfree)> guard(&found, &globfree);
  if (glob(pattern.c_str(), 0, nullptr, &found) != 0) {
    const bool is_pattern = pattern.find_first_of("*?[") != std::string::npos;
    throw DataError("cannot read " + pattern + ": expected " +
                    (is_pattern ? "at least one matching file, found none" : "a JSONL file, found no such file"));
  }
  return {found.gl_pathv, found.gl_pathv + found.gl_pathc};
}

}  // namespace

std::int64_t for_each_json_line(const std::filesystem::path& file, std::int64_t max_bad_lines,
                                const std::function<void(const JsonLine&)>& accept) {
  check_given(accept, "accept", "a function");
  LineReader reader(file);
  std::int64_t bad_lines = 0;
  for (std::string text; reader.next(text);) {
    stop_if_signalled();
    try {
      const nlohmann::ordered_json value = parse_line(text, where(file, reader.line()));
      accept({file, reader.line(), value});
    } catch (const BadRecord& error) {
      if (bad_lines >= max_bad_lines) throw;
      ++bad_lines;
      log_warning(std::string("skipped a bad line: ") + error.what());
    }
  }
  return bad_lines;
}

JsonReader reader_of(const JsonLine& line) { return {line.value, where(line.file, line.line), throw_as<BadRecord>}; }

std::string string_field(const JsonLine& line, std::string_view field) { return reader_of(line).at(field).string(); }

std::vector<std::filesystem::path> expand_globs(const std::vector<std::string>& patterns) {
  std::vector<std::filesystem::path> files;
  for (const std::string& pattern : patterns) {
    const auto matches = expand_glob(pattern);
    files.insert(files.end(), matches.begin(), matches.end());
  }
  std::sort(files.begin(), files.end());
  if (const auto twice = std::adjacent_find(files.begin(), files.end()); twice != files.end())
    throw DataError("cannot read " + twice->string() + ": expected each file once, found it listed twice");
  return files;
}

}  // namespace rlhf
