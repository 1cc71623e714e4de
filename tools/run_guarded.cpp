// Turns exceptions into one line on stderr and an exit code.
#include "run_guarded.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "rlhf/core/error.h"
#include "rlhf/core/message.h"
#include "rlhf/core/signals.h"

namespace rlhf {
namespace {

int print_error(ExitCode code, std::string_view message) {
  std::cerr << "error: " << message_line(message) << "\n";
  return static_cast<int>(code);
}

int print_stop(const Interrupted& stop) {
  std::cerr << stop.what() << "\n";
  return 128 + stop.signal();
}

int print_issues(const ConfigError& error) {
  constexpr std::size_t kMostLines = 5;
  const std::size_t shown = std::min(kMostLines, error.issues().size());
  for (std::size_t i = 0; i < shown; ++i) print_error(error.exit_code(), error.issues()[i]);
  if (shown < error.issues().size()) std::cerr << "and " << error.issues().size() - shown << " more\n";
  return static_cast<int>(error.exit_code());
}

}  // namespace

int run_guarded(const std::function<void()>& body) {
  prepare_process();
  try {
    body();
    stop_if_signalled();  // after all work was done
    return static_cast<int>(ExitCode::done);
  } catch (const ConfigError& e) {
    return print_issues(e);
  } catch (const Error& e) {
    return print_error(e.exit_code(), e.what());
  } catch (const Interrupted& e) {
    return print_stop(e);
  } catch (const std::filesystem::filesystem_error& e) {
    return print_error(ExitCode::output, path_and_reason(e));
  } catch (const std::system_error& e) {
    return print_error(ExitCode::device, std::string("the system refused a thread or another resource: ") + e.what());
  } catch (const std::bad_alloc&) {
    return print_error(ExitCode::device, "out of memory; hint: lower train.micro_batch_tokens or batch_size");
  } catch (const std::exception& e) {
    return print_error(ExitCode::bug, std::string("internal error: ") + e.what() + "; this is a bug");
  }
}

void end_process(int code) {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::exit(code);
#else
  ::_exit(code);
#endif
}

}  // namespace rlhf
