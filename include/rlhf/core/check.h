#pragma once

#include <sstream>
#include <stdexcept>

namespace rlhf::detail {

template <typename... Parts>
[[noreturn]] void check_failed(const char* condition, const char* file, int line, const Parts&... parts) {
  std::ostringstream message;
  message << "broken invariant at " << file << ":" << line << ": " << condition;
  if constexpr (sizeof...(parts) > 0) {
    message << ": ";
    (message << ... << parts);
  }
  throw std::logic_error(message.str());
}

}  // namespace rlhf::detail

/// Throws std::logic_error (exit code 1) if an invariant of the library is broken. For mistakes of the user, throw an
/// rlhf::Error instead; for those of a caller, use core/check_argument.h.
#define RLHF_CHECK(condition, ...)                                                             \
  do {                                                                                         \
    if (!(condition)) [[unlikely]]                                                             \
      ::rlhf::detail::check_failed(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
