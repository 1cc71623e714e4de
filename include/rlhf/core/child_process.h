#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace rlhf {

/// A program that reads lines from its standard input and answers each with a line on its standard output. Its standard
/// error stream is that of this process. It is in a process group of its own, so that Ctrl-C at a terminal does not end
/// it in the middle of an answer; the destructor closes its input and ends the group.
class ChildProcess {
 public:
  /// Starts `command`: a program, looked up in PATH, and its arguments. Throws std::system_error if it cannot be
  /// started and ArgumentError for an empty command.
  explicit ChildProcess(const std::vector<std::string>& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The answers to some lines.
  struct Answers {
    std::vector<std::string> lines;  ///< without line ends
    std::string fault;               ///< why there are fewer than asked for: "it ended with exit code 3"; or ""
  };
  /// Writes `lines`, which end in a line end each, and reads `count` lines; reads while it writes, so neither side
  /// waits for the other. The fault is that the program ended, gave nothing for `timeout_seconds`, or wrote a line of
  /// more than a MiB; after one the object is of no use. Throws Interrupted after a signal (core/signals.h).
  Answers ask(std::string_view lines, std::size_t count, double timeout_seconds);

 private:
  /// Writes what the pipe takes; returns what is left.
  std::string_view write_some(std::string_view lines) const;
  /// Reads what is there; false at the end of the output.
  bool read_some();
  void take_lines(std::size_t count, std::vector<std::string>& lines);
  std::string end_of_program();

  pid_t id_ = -1;
  int input_ = -1, output_ = -1;
  std::string unread_;  ///< output that is not part of an answer yet
};

}  // namespace rlhf
