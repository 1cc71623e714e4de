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

/// In the new process.
[[noreturn]] void become(int rank, int count, int port, int error_stream, char** argv) {
  setpgid(0, 0);  // Ctrl-C at a terminal reaches only the parent, which passes it on
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (rank > 0) {
    dup2(error_stream, STDERR_FILENO);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  }
  const std::pair<const char*, int> variables[] = {
      {"RANK", rank}, {"WORLD_SIZE", count}, {"LOCAL_RANK", rank}, {"LOCAL_WORLD_SIZE", count}, {"MASTER_PORT", port}};
  for (const auto& [name, value] : variables) setenv(name, std::to_string(value).c_str(), /*overwrite=*/1);
  setenv("MASTER_ADDR", "127.0.0.1", /*overwrite=*/1);
  execv("/proc/self/exe", argv);
  std::cerr << "error: starting rank " << rank << ": " << std::strerror(errno) << "\n";
  _exit(static_cast<int>(ExitCode::bug));
}

Child start(int rank, int count, int port, char** argv) {
  Child child{.rank = rank};
  std::array<int, 2> pipe{-1, -1};
  if (rank > 0 && pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("a pipe");
  child.id = fork();
  if (child.id < 0) fail("a process");
  if (child.id == 0) {
    if (rank > 0) fcntl(pipe[1], F_SETFL, 0);  // its writes wait
    become(rank, count, port, pipe[1], argv);
  }
  if (rank > 0) close(pipe[1]);
  child.output = pipe[0];
  return child;
}

int exit_code_of(const Child& child, int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::cerr << "error: rank " << child.rank << " was ended by signal " << WTERMSIG(status) << "\n";
  return static_cast<int>(ExitCode::rank);
}

void pass_on(const std::vector<Child>& children, int signal) {
  for (const Child& child : children)
    if (child.id > 0) kill(child.id, signal);
}

}  // namespace

int run_ranks(int count, char** argv) {
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(signal, remember);
  const int port = free_port();
  std::vector<Child> children;
  for (int rank = 0; rank < count; ++rank) children.push_back(start(rank, count, port, argv));
  int code = 0, running = count;
  steady_clock::time_point end;
  while (running > 0) {
    std::vector<pollfd> outputs;
    for (const Child& child : children) outputs.push_back({child.output, POLLIN, 0});
    poll(outputs.data(), outputs.size(), /*timeout=*/50);
    if (const int signal = received.exchange(0)) pass_on(children, signal);
    if (code != 0 && steady_clock::now() > end) pass_on(children, SIGKILL);
    for (Child& child : children) {
      child.print();
      int status = 0;
      if (child.id < 0 || waitpid(child.id, &status, WNOHANG) != child.id) continue;
      child.print();
      child.id = -1;
      --running;
      const int own = exit_code_of(child, status);
      if (code != 0 || own == 0) continue;
      code = own;
      end = steady_clock::now() + kPatience;
    }
  }
  return code;
}

}  // namespace rlhf
