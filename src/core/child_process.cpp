// A program beside this one that answers lines with lines.
#include "rlhf/core/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/signals.h"

extern char** environ;

namespace rlhf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr int kPollMilliseconds = 100;  // how late a signal may be noticed
constexpr int kPollsToEnd = 20;         // 2 s for a program to end after its input was closed

/// A pipe whose ends other children do not inherit.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  /// The end, without waiting: this process keeps it.
  int take(std::size_t which) {
    ::fcntl(ends[which], F_SETFL, O_NONBLOCK);
    return std::exchange(ends[which], -1);
  }
};

/// Attributes and actions of posix_spawn.
struct SpawnSettings {
  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};
  SpawnSettings(int input, int output) {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&defaults, signal);  // prepare_process() ignores them
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

/// write() without the signal SIGPIPE, whatever the program does with that signal.
ssize_t write_quietly(int file, std::string_view text) {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t written = ::write(file, text.data(), text.size());
  const int error = errno;
  const timespec now{};
  if (written < 0 && error == EPIPE) sigtimedwait(&pipe, nullptr, &now);  // take back the signal of this thread
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

std::string seconds_text(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  return (text.back() == '.' ? text.substr(0, text.size() - 1) : text) + " s";
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  check_argument(!command.empty(), "command", "a program", "nothing");
  Pipe input, output;
  const SpawnSettings settings(input.ends[0], output.ends[1]);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int failed =
      ::posix_spawnp(&id_, arguments[0], &settings.actions, &settings.attributes, arguments.data(), environ);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), command.front());
  input_ = input.take(1);
  output_ = output.take(0);
}

ChildProcess::~ChildProcess() {
  if (input_ >= 0) ::close(input_);
  if (output_ >= 0) ::close(output_);
  if (id_ < 0) return;
  for (int i = 0; i < kPollsToEnd; ++i) {
    if (::waitpid(id_, nullptr, WNOHANG) != 0) return;
    ::poll(nullptr, 0, kPollMilliseconds);
  }
  ::kill(-id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
}

std::string_view ChildProcess::write_some(std::string_view lines) const {
  const ssize_t written = write_quietly(input_, lines);
  if (written > 0) return lines.substr(static_cast<std::size_t>(written));
  // A closed pipe: the end of the program is seen where it is read from.
  return written < 0 && errno == EPIPE ? std::string_view() : lines;
}

bool ChildProcess::read_some() {
  std::array<char, 1 << 16> part;
  const ssize_t size = ::read(output_, part.data(), part.size());
  if (size > 0) unread_.append(part.data(), static_cast<std::size_t>(size));
  return size != 0;
}

void ChildProcess::take_lines(std::size_t count, std::vector<std::string>& lines) {
  std::size_t begin = 0;
  for (std::size_t end; lines.size() < count && (end = unread_.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(unread_.substr(begin, end - begin));
  unread_.erase(0, begin);
}

std::string ChildProcess::end_of_program() {
  int status = 0;
  ::close(std::exchange(input_, -1));
  for (int i = 0; i < kPollsToEnd; ++i) {
    if (::waitpid(id_, &status, WNOHANG) != 0) {
      id_ = -1;
      return describe(status);
    }
    ::poll(nullptr, 0, kPollMilliseconds);
  }
  return "it closed its output";
}

ChildProcess::Answers ChildProcess::ask(std::string_view lines, std::size_t count, double timeout_seconds) {
  Answers answers;
  auto last = Clock::now();
  while (answers.lines.size() < count) {
    stop_if_signalled();
    std::array<pollfd, 2> ends{{{output_, POLLIN, 0}, {lines.empty() ? -1 : input_, POLLOUT, 0}}};
    if (::poll(ends.data(), ends.size(), kPollMilliseconds) > 0) {
      if (ends[1].revents != 0) lines = write_some(lines);
      if (ends[0].revents != 0) {
        last = Clock::now();
        if (!read_some()) {
          answers.fault = end_of_program();
          return answers;
        }
        take_lines(count, answers.lines);
        if (unread_.size() > kLongestLine) {
          answers.fault = "it wrote a line of more than 1 MiB";
          return answers;
        }
      }
    }
    if (std::chrono::duration<double>(Clock::now() - last).count() > timeout_seconds) {
      answers.fault = "it gave no answer for " + seconds_text(timeout_seconds);
      return answers;
    }
  }
  return answers;
}

}  // namespace rlhf
