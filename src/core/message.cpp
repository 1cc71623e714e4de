// Makes text of any origin safe for a terminal.
#include "rlhf/core/message.h"

#include <algorithm>
#include <cstdio>

#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

constexpr std::string_view kGap = "…";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The character of a well-formed sequence of two or three bytes; 0 for other lengths, in which nothing is escaped.
unsigned code_of(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() == 2) return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
  if (bytes.size() == 3) return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return 0;
}

bool is_unsafe(unsigned code) {
  return (code >= 0x80 && code <= 0x9F) || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string escaped(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string escaped_ascii(char c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return escaped("\\x%02x", static_cast<unsigned char>(c));
}

std::string escaped_text(std::string_view text, bool keep_lines) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const char c = text[at];
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (length == 0 || (is_control && !(keep_lines && (c == '\n' || c == '\t')))) {
      safe += escaped_ascii(c);
    } else if (const unsigned code = code_of(text.substr(at, length)); is_unsafe(code)) {
      safe += escaped("\\u%04x", code);
    } else {
      safe += text.substr(at, length);
    }
    at += std::max<std::size_t>(1, length);
  }
  return safe;
}

}  // namespace

std::string terminal_text(std::string_view text) { return escaped_text(text, /*keep_lines=*/true); }

std::string one_line(std::string_view text) { return escaped_text(text, /*keep_lines=*/false); }

std::string message_line(std::string_view text) {
  std::string line = one_line(text);
  if (line.size() <= kMaxMessageBytes) return line;
  std::size_t head = (kMaxMessageBytes - kGap.size()) / 2, tail = line.size() - (kMaxMessageBytes - kGap.size() - head);
  while (is_continuation(line[head])) --head;
  while (tail < line.size() && is_continuation(line[tail])) ++tail;
  return line.replace(head, tail - head, kGap);
}

}  // namespace rlhf
