#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace rlhf {

enum class LogLevel { debug, info, warning, error };

/// Logs go to stderr, never to stdout. Messages are complete lines without a newline.
void log(LogLevel level, std::string_view message);
inline void log_debug(std::string_view message) { log(LogLevel::debug, message); }
inline void log_info(std::string_view message) { log(LogLevel::info, message); }
inline void log_warning(std::string_view message) { log(LogLevel::warning, message); }

/// Also appends every line to `path` (the run folder's log.txt). Throws OutputError if it cannot be opened.
void log_to_file(const std::filesystem::path& path);
/// Stops writing to the file and flushes it.
void close_log_file();
/// Replaces stderr as the sink, for programs that link the library. An empty function restores stderr.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);
void set_log_level(LogLevel lowest);

}  // namespace rlhf
