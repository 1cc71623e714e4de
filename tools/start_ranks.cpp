// The ranks of a run on one machine.
#include "start_ranks.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/rank_place.h"

namespace rlhf {
namespace {

using std::chrono::steady_clock;

// Longer than the ranks themselves need to find out that one is gone.
constexpr std::chrono::seconds kPatience{20};

std::atomic<int> received{0};
void remember(int signal) { received = signal; }

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), std::string("starting ranks: ") + what);
}

/// A port of this machine that nobody listens on.
int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (descriptor < 0 || bind(descriptor, general, length) != 0 || getsockname(descriptor, general, &length) != 0)
    fail("a port");
  close(descriptor);
  return ntohs(address.sin_port);
}

/// A process, and what it wrote to stderr and is not printed yet.
struct Child {
  int rank = 0;
  pid_t id = -1;
  int output = -1;  ///< of ranks above 0, whose stderr is a pipe
  std::string unfinished;

  /// Prints complete lines; at the end of the output also the rest.
  void print() {
    std::array<char, 4096> buffer;
    ssize_t size = 0;
    while (output >= 0 && (size = read(output, buffer.data(), buffer.size())) > 0)
      unfinished.append(buffer.data(), static_cast<std::size_t>(size));
    if (output >= 0 && size == 0) {
      close(output);
      output = -1;
      if (!unfinished.empty()) unfinished += '\n';
    }
    for (std::size_t end; (end = unfinished.find('\n')) != std::string::npos; unfinished.erase(0, end + 1))
      std::cerr << "rank " << rank << ": " << unfinished.substr(0, end + 1) << std::flush;
  }
};

/// What all ranks of a run share.
struct Start {
  int count, port;
  int joined;  ///< where a rank writes a byte when all are there
  char** argv;
};

/// In the new process.
[[noreturn]] void become(int rank, const Start& run, int error_stream) {
  setpgid(0, 0);  // Ctrl-C at a terminal reaches only the parent, which passes it on
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (rank > 0) {
    dup2(error_stream, STDERR_FILENO);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  }
  fcntl(run.joined, F_SETFD, 0);  // stays open in the new program
  const std::pair<const char*, int> variables[] = {{"RANK", rank},
                                                   {"WORLD_SIZE", run.count},
                                                   {"LOCAL_RANK", rank},
                                                   {"LOCAL_WORLD_SIZE", run.count},
                                                   {"MASTER_PORT", run.port},
                                                   {kJoinedVariable, run.joined}};
  for (const auto& [name, value] : variables) setenv(name, std::to_string(value).c_str(), /*overwrite=*/1);
  setenv("MASTER_ADDR", "127.0.0.1", /*overwrite=*/1);
  execv("/proc/self/exe", run.argv);
  std::cerr << "error: starting rank " << rank << ": " << std::strerror(errno) << "\n";
  _exit(static_cast<int>(ExitCode::bug));
}

Child start(int rank, const Start& run) {
  Child child{.rank = rank};
  std::array<int, 2> pipe{-1, -1};
  if (rank > 0 && pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("a pipe");
  child.id = fork();
  if (child.id < 0) fail("a process");
  if (child.id == 0) {
    if (rank > 0) fcntl(pipe[1], F_SETFL, 0);  // its writes wait
    become(rank, run, pipe[1]);
  }
  if (rank > 0) close(pipe[1]);
  child.output = pipe[0];
  return child;
}

void pass_on(const std::vector<Child>& children, int signal) {
  for (const Child& child : children)
    if (child.id > 0) kill(child.id, signal);
}

/// Starts the ranks and waits for all.
class Starter {
 public:
  Starter(int count, char** argv) {
    std::array<int, 2> joined{};
    if (pipe2(joined.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("a pipe");
    const Start run{count, free_port(), joined[1], argv};
    for (int rank = 0; rank < count; ++rank) children_.push_back(start(rank, run));
    close(joined[1]);
    joined_ = joined[0];
  }

  int wait() {
    for (std::size_t running = children_.size(); running > 0;) {
      std::vector<pollfd> outputs;
      for (const Child& child : children_) outputs.push_back({child.output, POLLIN, 0});
      poll(outputs.data(), outputs.size(), /*timeout=*/50);
      if (const int signal = received.exchange(0)) pass_on(children_, passed_on_ = signal);
      if (stopped_ && !killed_) pass_on(children_, SIGTERM);  // again, for a process that has only just started
      if (code_ != 0 && !killed_ && steady_clock::now() > end_) kill_rest();
      for (Child& child : children_) {
        child.print();
        int status = 0;
        if (child.id < 0 || waitpid(child.id, &status, WNOHANG) != child.id) continue;
        child.print();
        child.id = -1;
        --running;
        note_end(child.rank, status);
      }
    }
    return code_;
  }

 private:
  bool have_joined() {
    char byte = 0;
    all_joined_ = all_joined_ || read(joined_, &byte, 1) == 1;
    return all_joined_;
  }

  void note_end(int rank, int status) {
    if (stopped_) return;
    const bool joined = have_joined(), by_signal = WIFSIGNALED(status),
               passed = by_signal && WTERMSIG(status) == passed_on_;
    if (by_signal && !passed)
      std::cerr << "error: rank " << rank << " was ended by signal " << WTERMSIG(status)
                << (joined ? "" : " before all ranks had joined, so the others are stopped") << "\n";
    const int own = passed ? 128 + passed_on_ : by_signal ? kRankFailed : WEXITSTATUS(status);
    if (own == 0) return;
    if (code_ == 0) end_ = steady_clock::now() + kPatience;
    if (code_ == 0 || code_ == kRankFailed) code_ = own;  // the others' fault, unless there is a cause
    stopped_ = !joined;                                   // the others would only wait for this one
  }

  void kill_rest() {
    stopped_ = killed_ = true;
    for (const Child& child : children_)
      if (child.id > 0)
        std::cerr << "error: rank " << child.rank << " has not ended " << kPatience.count()
                  << " s after another one, and is killed\n";
    pass_on(children_, SIGKILL);
  }

  static constexpr int kRankFailed = static_cast<int>(ExitCode::rank);

  std::vector<Child> children_;
  int joined_ = -1;  ///< has a byte when all ranks are there
  bool all_joined_ = false;
  bool stopped_ = false;  ///< how a rank ends from now on says nothing
  bool killed_ = false;
  int passed_on_ = 0, code_ = 0;
  steady_clock::time_point end_;
};

}  // namespace

int run_ranks(int count, char** argv) {
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(signal, remember);
  return Starter(count, argv).wait();
}

}  // namespace rlhf
