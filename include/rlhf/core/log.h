#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace rlhf {

enum class LogLevel { debug, info, warning, error };

/// Logs message_line(message) (core/message.h) to stderr, never to stdout: one line of at most kMaxMessageBytes, with
/// control characters escaped. `message` has no newline at its end.
void log(LogLevel level, std::string_view message);
inline void log_debug(std::string_view message) { log(LogLevel::debug, message); }
inline void log_info(std::string_view message) { log(LogLevel::info, message); }
inline void log_warning(std::string_view message) { log(LogLevel::warning, message); }

/// Also appends every line to `path` (log.txt of the run folder). Throws OutputError if the file cannot be opened.
void log_to_file(const std::filesystem::path& path);
/// Stops writing to the file and flushes it.
void close_log_file();
/// Sends lines to `sink` instead of stderr, for programs that link the library. An empty function restores stderr.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);
void set_log_level(LogLevel lowest);

}  // namespace rlhf
