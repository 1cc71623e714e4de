#pragma once

#include <cstdint>
#include <string>

namespace rlhf::jinja {

/// Python's datetime.strftime of a local time without a zone: `now` is in seconds from 1970-01-01 00:00 of the same
/// calendar. %z and %Z are empty, and %f is 000000. Fails for formats of more than 1000 bytes.
std::string formatted_time(const std::string& format, std::int64_t now);

}  // namespace rlhf::jinja
