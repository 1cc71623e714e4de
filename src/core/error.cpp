// Messages of the error classes that build their own.
#include "rlhf/core/error.h"

#include <cstring>
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
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> issues)
    : Error(ExitCode::usage, joined(issues)), issues_(std::move(issues)) {}

std::string path_and_reason(const std::filesystem::filesystem_error& error) {
  std::string text = error.path1().string();
  if (!error.path2().empty()) text += " → " + error.path2().string();
  return text + (text.empty() ? "" : ": ") + error.code().message();
}

Interrupted::Interrupted(int signal) : std::runtime_error("stopped by " + signal_name(signal)), signal_(signal) {}

}  // namespace rlhf
