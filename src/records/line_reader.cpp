// Splits a file into the texts of its records.
#include "records/line_reader.h"

#include <algorithm>
#include <string_view>

namespace rlhf {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
/// A line that is too long can be skipped; in a longer one no end is looked for.
constexpr std::size_t kMaxSkippedBytes = 4 * LineReader::kMaxLineBytes;

bool is_json_file(const std::filesystem::path& file) {
  return file.extension() == ".json" || (file.extension() == ".gz" && file.stem().extension() == ".json");
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& file) : bytes_(file) {
  is_array_ = is_json_file(file) && begins_array();
}

/// Whether a `.json` file is an array: many are JSONL, so the first byte decides.
bool LineReader::begins_array() {
  const std::string_view ahead = bytes_.ahead();
  const auto first = ahead.find_first_not_of(kSpace);
  return first != std::string_view::npos && ahead[first] == '[';
}

bool LineReader::next_line(std::string& line) {
  do {
    if (bytes_.ahead().empty()) return false;
    read_line(line);
  } while (line.find_first_not_of(" \t") == std::string::npos);
  return true;
}

void LineReader::read_line(std::string& line) {
  line.clear();
  ++line_;
  bool complete = false;
  std::size_t read = 0;
  while (!complete) {
    const std::string_view ahead = bytes_.ahead();
    if (ahead.empty()) break;
    const auto newline = ahead.find('\n');
    complete = newline != std::string_view::npos;
    const std::size_t length = complete ? newline : ahead.size();
    line.append(ahead.substr(0, std::min(length, kMaxLineBytes + 1 - line.size())));
    read += length;
    if (read > kMaxSkippedBytes)
      bytes_.refuse("a line of more than " + std::to_string(kMaxSkippedBytes >> 20) + " MiB (line " +
                    std::to_string(line_) + ")");
    bytes_.take(length + (complete ? 1 : 0));
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
}

/// Returns the next byte that is not white space, without consuming it; NUL at the end of the file.
char LineReader::peek_past_space() {
  while (true) {
    const std::string_view ahead = bytes_.ahead();
    if (ahead.empty()) return '\0';
    if (kSpace.find(ahead.front()) == std::string_view::npos) return ahead.front();
    take_byte();
  }
}

char LineReader::take_byte() {
  const std::string_view ahead = bytes_.ahead();
  if (ahead.empty()) bytes_.refuse("an array without an end");
  const char byte = ahead.front();
  bytes_.take(1);
  if (byte == '\n') ++newlines_;
  return byte;
}

bool LineReader::next_element(std::string& element) {
  if (at_start_) {
    peek_past_space();
    take_byte();  // [
    at_start_ = false;
    if (peek_past_space() == ']') {
      take_byte();
      end_array();
    }
  }
  if (ended_) return false;
  peek_past_space();
  line_ = newlines_ + 1;
  if (read_element(element) == ']') end_array();
  return true;
}

/// Reads up to the comma or bracket that ends the element, and returns that character. The parser checks the element.
char LineReader::read_element(std::string& element) {
  element.clear();
  std::int64_t depth = 0;
  std::size_t length = 0;
  bool in_string = false, escaped = false;
  while (true) {
    const char byte = take_byte();
    if (!in_string && depth == 0 && (byte == ',' || byte == ']')) return byte;
    if (element.size() <= kMaxLineBytes) element += byte;
    if (++length > kMaxSkippedBytes)
      bytes_.refuse("an element of more than " + std::to_string(kMaxSkippedBytes >> 20) + " MiB (line " +
                    std::to_string(line_) + ")");
    if (in_string) {
      in_string = byte != '"' || escaped;
      escaped = byte == '\\' && !escaped;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      ++depth;
    } else if (byte == ']' || byte == '}') {
      --depth;
    }
  }
}

void LineReader::end_array() {
  ended_ = true;
  peek_past_space();
  if (!bytes_.ahead().empty()) bytes_.refuse("more text after the array");
}

}  // namespace rlhf
