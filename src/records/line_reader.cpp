// Splits a file into the texts of its records.
#include "records/line_reader.h"

#include <algorithm>
#include <string_view>

namespace rlhf {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
/// A line that is too long can be skipped; in a longer one no end is looked for.
constexpr std::size_t kMaxSkippedBytes = 4 * LineReader::kMaxLineBytes;

bool is_text_file(const std::filesystem::path& file) {
  return file.extension() == ".txt" || (file.extension() == ".gz" && file.stem().extension() == ".txt");
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t") == std::string::npos; }

}  // namespace

LineReader::LineReader(const std::filesystem::path& file, SampleBy sample_by)
    : bytes_(file), sample_by_(sample_by), is_text_(is_text_file(file)) {
  is_array_ = !is_text_ && begins_array();
}

/// Whether the file is an array. A line of JSONL is an object, so the first byte decides.
bool LineReader::begins_array() {
  const std::string_view ahead = bytes_.ahead();
  const auto first = ahead.find_first_not_of(kSpace);
  return first != std::string_view::npos && ahead[first] == '[';
}

bool LineReader::next(std::string& text) {
  if (is_array_) return next_element(text);
  if (is_text_ && sample_by_ != SampleBy::line) return next_block(text);
  return next_line(text);
}

/// Reads a paragraph, or all that is left, without line breaks at its ends.
bool LineReader::next_block(std::string& text) {
  if (!next_line(text)) return false;
  std::string empty_lines;
  for (std::string line; !bytes_.ahead().empty();) {
    read_line(line);
    if (is_blank(line)) {
      if (sample_by_ == SampleBy::paragraph) break;
      if (empty_lines.size() < kMaxLineBytes) empty_lines += '\n';
      continue;
    }
    const std::size_t room = kMaxLineBytes + 1 - std::min(text.size(), kMaxLineBytes + 1);
    text.append((empty_lines + '\n' + line).substr(0, room));
    empty_lines.clear();
  }
  return true;
}

bool LineReader::next_line(std::string& line) {
  do {
    if (bytes_.ahead().empty()) return false;
    read_line(line);
  } while (is_blank(line));
  line_ = lines_;
  return true;
}

void LineReader::read_line(std::string& line) {
  line.clear();
  ++lines_;
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
