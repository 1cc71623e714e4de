#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// Exit codes of the tools. Each class of error has its own code, so that a script can distinguish them.
enum class ExitCode : int {
  done = 0,      ///< finished, or there was nothing left to do
  bug = 1,       ///< a broken invariant of the library
  usage = 2,     ///< a mistake in the command line or config, a non-empty output folder, a resume that does not match
  data = 3,      ///< a data file is missing or broken, or contains nothing to train on
  model = 4,     ///< model, tokenizer or checkpoint files are missing, broken or inconsistent
  shape = 5,     ///< a library function was called with unsuitable tensors or arguments (never used for files)
  numerics = 6,  ///< a non-finite number where a finite one is required
  device = 7,    ///< device not available, or out of memory
  rank = 8,      ///< another process of the run failed or cannot be reached
  gate = 9,      ///< an evaluation was made, and found what it must not find
  output = 10,   ///< output cannot be written
  reward = 11,   ///< a program or service that scores responses failed
};

/// A mistake of the user or a failure of the system. The message is one line: what the program was doing, the file,
/// line or key, what it expected, what it found, and a hint.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const { return code_; }

 private:
  ExitCode code_;
};

/// All faults of a config together; each issue is one printable line.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<std::string> issues);
  const std::vector<std::string>& issues() const { return issues_; }

 private:
  std::vector<std::string> issues_;
};

#define RLHF_ERROR_CLASS_(Name, code)                                   \
  struct Name : Error {                                                 \
    explicit Name(const std::string& message) : Error(code, message) {} \
  }
RLHF_ERROR_CLASS_(DataError, ExitCode::data);
RLHF_ERROR_CLASS_(ModelError, ExitCode::model);
RLHF_ERROR_CLASS_(ShapeError, ExitCode::shape);     // a tensor of the wrong shape, dtype or device
RLHF_ERROR_CLASS_(ArgumentError, ExitCode::shape);  // another argument outside the range that a function accepts
RLHF_ERROR_CLASS_(NumericsError, ExitCode::numerics);
RLHF_ERROR_CLASS_(DeviceError, ExitCode::device);
RLHF_ERROR_CLASS_(RankError, ExitCode::rank);
RLHF_ERROR_CLASS_(GateError, ExitCode::gate);
RLHF_ERROR_CLASS_(OutputError, ExitCode::output);
RLHF_ERROR_CLASS_(RewardError, ExitCode::reward);
#undef RLHF_ERROR_CLASS_

/// "PATH: REASON", or "PATH → PATH: REASON" for an operation with two paths.
std::string path_and_reason(const std::filesystem::filesystem_error& error);

/// Returns body(). A std::filesystem::filesystem_error becomes an Error with `code`: the part of a program that works
/// on files of one kind says once what a failure of the file system means there.
template <typename Body>
auto with_file_errors(ExitCode code, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(code, path_and_reason(error));
  }
}

/// Thrown at a safe point after a signal that asks the program to stop (core/signals.h), when everything is saved; the
/// tool exits with 128 + signal.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

}  // namespace rlhf
