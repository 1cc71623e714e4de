// Reads the records of JSONL and JSON files, and expands globs.
#include "rlhf/records/jsonl.h"

#include <algorithm>
#include <cctype>
#include <glob.h>
#include <memory>
#include <utility>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/core/utf8.h"

#include "records/line_reader.h"

namespace rlhf {
namespace {

std::string where(const std::filesystem::path& file, std::int64_t line) {
  return file.string() + ":" + std::to_string(line);
}

nlohmann::ordered_json parse_line(std::string_view text, const std::string& place, bool allow_nul) {
  if (text.size() > LineReader::kMaxLineBytes)
    throw BadRecord(place + ": expected a line of at most 64 MiB, found a longer one; hint: write one record per line");
  if (text.starts_with("\xEF\xBB\xBF"))
    throw BadRecord(place + ": expected a byte order mark only at the start of the file, found one here");
  auto value = parse_json(text, place, throw_as<BadRecord>, {.allow_escaped_nul = allow_nul, .allow_non_finite = true});
  if (!value.is_object()) throw BadRecord(place + ": expected one JSON object, found " + shown_json(value));
  return value;
}

/// The record of a text of a `.txt` file.
nlohmann::ordered_json text_record(std::string_view text, const std::string& place) {
  if (text.size() > LineReader::kMaxLineBytes)
    throw BadRecord(place + ": expected a text of at most 64 MiB, found a longer one; hint: data.sample_by: paragraph");
  if (const auto at = first_invalid_utf8(text))
    throw BadRecord(place + ": byte " + std::to_string(*at + 1) +
                    ": expected UTF-8, found another encoding; hint: iconv -t UTF-8 converts other encodings");
  if (text.find('\0') != std::string_view::npos) throw BadRecord(place + ": expected text without NUL, found NUL");
  return {{"text", text}};
}

/// Whether a JSON text has an open object or list at its end.
bool is_open(std::string_view text, std::string* list_key = nullptr) {
  std::int64_t depth = 0;
  bool in_string = false, escaped = false;
  std::size_t string_begin = 0;
  std::string last;  // the last string of depth 1: the key of what follows
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '"' && !escaped) {
        in_string = false;
        if (depth == 1) last = text.substr(string_begin, i - string_begin);
      }
      escaped = c == '\\' && !escaped;
    } else if (c == '"') {
      in_string = true;
      string_begin = i + 1;
    } else if (c == '{' || c == '[') {
      if (c == '[' && depth == 1 && list_key != nullptr && list_key->empty()) *list_key = last;
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return in_string || depth > 0;
}

/// Throws DataError if a file begins with an object that goes on after its first line, because then no line of it is a
/// record.
void refuse_pretty_printed(const std::string& first, std::string_view ahead, const std::filesystem::path& file) {
  if (!first.starts_with('{') || ahead.empty() || first.size() > LineReader::kMaxLineBytes || !is_open(first)) return;
  std::string key;
  is_open(first + '\n' + std::string(ahead), &key);
  const bool is_word =
      !key.empty() && std::ranges::all_of(key, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  const std::string filter = is_word ? "'." + key + "[]'" : ".";
  throw DataError(where(file, 1) + ": expected one JSON object per line, found an object over several lines" +
                  (is_word ? " with a list \"" + key + "\"" : "") + "; hint: jq -c " + filter + " " + file.string() +
                  " > NEW.jsonl writes one " + (is_word ? "record of the list" : "object") + " per line");
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
                                const std::function<void(const JsonLine&)>& accept, const LineReading& reading) {
  check_given(accept, "accept", "a function");
  LineReader reader(file, reading.sample_by);
  bool is_first = true;
  std::int64_t bad_lines = 0;
  for (std::string text; reader.next(text);) {
    stop_if_signalled();
    try {
      const std::string place = where(file, reader.line());
      if (std::exchange(is_first, false) && !reader.is_text()) refuse_pretty_printed(text, reader.ahead(), file);
      const nlohmann::ordered_json value =
          reader.is_text() ? text_record(text, place) : parse_line(text, place, reading.allow_nul);
      accept({file, reader.line(), value});
    } catch (const BadRecord& error) {
      if (bad_lines >= max_bad_lines) throw;
      ++bad_lines;
      if (reading.log_bad_lines) log_warning(std::string("skipped a bad line: ") + error.what());
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
