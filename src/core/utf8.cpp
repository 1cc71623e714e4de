// UTF-8 validation and cutting.
#include "rlhf/core/utf8.h"

#include <algorithm>

namespace rlhf {
namespace {

bool between(unsigned char byte, unsigned char low, unsigned char high) { return low <= byte && byte <= high; }

}  // namespace

// Only the second byte has a range that depends on the first.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned char { return at + i < text.size() ? text[at + i] : '\0'; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const bool tail2 = between(byte(2), 0x80, 0xBF);
  const bool tail3 = between(byte(3), 0x80, 0xBF);
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!between(byte(1), low, high)) return 0;
  if (between(lead, 0xC2, 0xDF)) return 2;
  if (between(lead, 0xE0, 0xEF)) return tail2 ? 3 : 0;
  if (between(lead, 0xF0, 0xF4)) return tail2 && tail3 ? 4 : 0;
  return 0;
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

std::string shortened(std::string_view text, std::size_t limit) {
  constexpr std::string_view kCut = "…";
  if (text.size() <= limit) return std::string(text);
  limit -= std::min(limit, kCut.size());
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit)).append(kCut);
}

}  // namespace rlhf
