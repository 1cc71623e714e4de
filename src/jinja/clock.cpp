// Python's strftime.
#include "jinja/clock.h"

#include <algorithm>
#include <ctime>
#include <string_view>

#include "rlhf/jinja/error.h"

#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr std::size_t kMaxFormat = 1000;

// The size of the directive that begins with the % at the beginning of `text`: flags, width, modifier, letter.
std::size_t directive_size(std::string_view text) {
  std::size_t at = std::min(text.find_first_not_of("_-0^#+", 1), text.size());
  at = std::min(text.find_first_not_of("0123456789", at), text.size());
  if (at < text.size() && (text[at] == 'E' || text[at] == 'O')) ++at;
  if (at < text.size()) next_code_point(text, at);
  return at;
}

// One directive, of at most `most` bytes; more is nothing.
std::string filled(std::string_view directive, const std::tm& time, std::size_t most) {
  const std::string format = ' ' + std::string(directive);  // the result 0 is then always a text that does not fit
  for (const std::size_t place : {std::size_t{100}, most}) {
    std::string text(place + 2, '\0');
    const std::size_t size = std::strftime(text.data(), text.size(), format.c_str(), &time);
    if (size > 0) return text.substr(1, size - 1);
  }
  return std::string(most + 1, ' ');
}

// Python itself fills these in, before the C library sees the format.
std::string with_own_directives(const std::string& format) {
  std::string plain;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char code = format[i] == '%' && i + 1 < format.size() ? format[i + 1] : '\0';
    if (code == 'z' || code == 'Z' || code == 'f') {
      plain += code == 'f' ? "000000" : "";
      ++i;
      continue;
    }
    plain += format[i];
    if (code != '\0') plain += format[++i];
  }
  return plain;
}

}  // namespace

std::string formatted_time(const std::string& given, std::int64_t now) {
  if (given.size() > kMaxFormat) fail("strftime_now(): a format of more than 1000 bytes");
  if (given.find('\0') != std::string::npos) fail("strftime_now(): a format with a null character");
  const std::string format = with_own_directives(given);
  const std::time_t seconds = now;
  std::tm time{};
  if (gmtime_r(&seconds, &time) == nullptr) fail("strftime_now(): a time out of range");
  time.tm_isdst = -1;  // no zone is known
  time.tm_zone = "";
  std::size_t most = 1024;  // Python gives up where the text is longer than this
  while (most < 256 * length_of(format)) most *= 2;
  std::string text;
  const std::string_view rest = format;
  for (std::size_t at = 0; at < rest.size() && text.size() < most;) {
    const std::size_t sign = std::min(rest.find('%', at), rest.size());
    text += rest.substr(at, sign - at);
    if (sign == rest.size()) break;
    const std::size_t size = directive_size(rest.substr(sign));
    text += filled(rest.substr(sign, size), time, most);
    at = sign + size;
  }
  return text.size() < most ? text : "";
}

}  // namespace rlhf::jinja
