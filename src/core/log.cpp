// The log: stderr or a sink of the program, and the log file of a run. Only this file includes spdlog.
#include "rlhf/core/log.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "rlhf/core/error.h"
#include "rlhf/core/message.h"

namespace rlhf {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::off;
}

std::unique_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, const char* pattern) {
  auto logger = std::make_unique<spdlog::logger>("rlhf", std::move(sink));
  logger->set_pattern(pattern);
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

/// The sinks of the process, guarded by a mutex.
struct Destinations {
  std::mutex mutex;
  LogLevel lowest = LogLevel::info;
  std::unique_ptr<spdlog::logger> console =
      make_logger(std::make_shared<spdlog::sinks::stderr_sink_st>(), "%H:%M:%S %l: %v");
  std::unique_ptr<spdlog::logger> file;
  std::function<void(LogLevel, std::string_view)> sink;
};

Destinations& destinations() {
  static Destinations instance;
  return instance;
}

}  // namespace

void log(LogLevel level, std::string_view message) {
  Destinations& to = destinations();
  const std::lock_guard lock(to.mutex);
  if (level < to.lowest) return;
  const std::string text = message_line(message);
  const spdlog::string_view_t line(text.data(), text.size());
  if (to.sink) {
    to.sink(level, text);
  } else {
    to.console->log(to_spdlog(level), line);
  }
  if (to.file) to.file->log(to_spdlog(level), line);
}

void log_to_file(const std::filesystem::path& path) {
  Destinations& to = destinations();
  const std::lock_guard lock(to.mutex);
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw OutputError("opening the log file " + path.string() + ": expected a regular file, found another kind");
  try {
    to.file =
        make_logger(std::make_shared<spdlog::sinks::basic_file_sink_st>(path.string()), "%Y-%m-%d %H:%M:%S %l: %v");
  } catch (const spdlog::spdlog_ex& e) {
    throw OutputError("opening the log file " + path.string() + ": " + e.what());
  }
}

void close_log_file() {
  Destinations& to = destinations();
  const std::lock_guard lock(to.mutex);
  to.file.reset();
}

void set_log_sink(std::function<void(LogLevel, std::string_view)> sink) {
  Destinations& to = destinations();
  const std::lock_guard lock(to.mutex);
  to.sink = std::move(sink);
}

void set_log_level(LogLevel lowest) {
  Destinations& to = destinations();
  const std::lock_guard lock(to.mutex);
  to.lowest = lowest;
}

}  // namespace rlhf
