#pragma once

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace rlhf {

/// A shell command that runs while the test goes on. Its stdin, stdout and stderr are pipes of the test.
class RunningProgram {
 public:
  explicit RunningProgram(const std::string& command) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    id_ = ::fork();
    if (id_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  ~RunningProgram() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
    ::close(in_);
    ::close(out_);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  /// Reads what the program prints until `text` occurs. Returns false if the program ends before.
  bool prints(const std::string& text) {
    while (printed_.find(text) == std::string::npos)
      if (!read_more()) return false;
    return true;
  }
  void send(int signal) const { ::kill(id_, signal); }
  pid_t id() const { return id_; }
  const std::string& printed() const { return printed_; }
  /// Waits for the end. Returns the exit code, or minus the signal that ended the program.
  int wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  bool read_more() {
    char bytes[4096];
    const ssize_t count = ::read(out_, bytes, sizeof bytes);
    if (count <= 0) return false;
    printed_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  pid_t id_ = -1;
  int in_ = -1, out_ = -1;
  std::string printed_;
};

}  // namespace rlhf
