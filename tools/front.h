#pragma once

#include <optional>
#include <string>

#include "command_line.h"
#include "run_guarded.h"
#include "start_engine.h"
#include "start_ranks.h"

namespace rlhf {

/// Prints help, version, schema or config if the command line asks for one of them. Returns whether it did.
bool print_requested(const Tool& tool, const CommandLine& line, const Section& options);

/// Whether this process is to start the ranks of --ranks; it is not if it is one of them. Throws ConfigError if another
/// starter has started it, as one of another number of ranks.
bool starts_ranks(const CommandLine& line);

/// Writes to stdout. Throws OutputError if that fails.
void print(const std::string& text);

template <typename Config>
std::optional<std::int64_t> threads_of(const Config& config) {
  if constexpr (requires { config.train.threads; }) return config.train.threads;
  if constexpr (requires { config.threads; }) return config.threads;
  return std::nullopt;
}

/// The `main` of a tool whose work is done by the engine. A program that links LibTorch needs about 0.2 s before its
/// `main`; a front does not link it. So help and config errors appear immediately, and the front can set the
/// environment variables that LibTorch reads while it loads.
template <typename Config>
int run_front(int argc, char** argv) {
  int code = 0;
  const int fault = run_guarded([&] {
    Command<Config> command = parse_command<Config>(argc, argv);
    if (print_requested(kTool<Config>, command.line, bind(command.config))) return;
    if (starts_ranks(command.line)) {
      code = run_ranks(*command.line.ranks, argv);
    } else {
      start_engine(kTool<Config>, threads_of(command.config), argc, argv);
    }
  });
  return fault != 0 ? fault : code;
}

}  // namespace rlhf
