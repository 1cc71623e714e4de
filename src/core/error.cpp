// Messages of the error classes that build their own.
#include "rlhf/core/error.h"

#include <csignal>
#include <utility>

namespace rlhf {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

std::string signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "signal " + std::to_string(signal);
  }
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> issues)
    : Error(ExitCode::usage, joined(issues)), issues_(std::move(issues)) {}

Interrupted::Interrupted(int signal) : std::runtime_error("stopped by " + signal_name(signal)), signal_(signal) {}

}  // namespace rlhf
