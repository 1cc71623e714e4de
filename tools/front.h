#pragma once

#include <optional>
#include <string>

#include "command_line.h"
#include "run_guarded.h"
#include "start_engine.h"

namespace rlhf {

/// Prints what the command line asks for (help, version, schema, config) and says whether it did.
bool answer(const Tool& tool, const CommandLine& line, const Section& options);

/// Writes to stdout. Throws OutputError if it does not take it.
void print(const std::string& text);

template <typename Config>
std::optional<std::int64_t> threads_of(const Config& config) {
  if constexpr (requires { config.train.threads; }) return config.train.threads;
  if constexpr (requires { config.threads; }) return config.threads;
  return std::nullopt;
}

/// `main` of a tool whose work is done by the engine. A program that links LibTorch needs a fifth of a second before
/// its `main`; this one does not link it. So help and every error of the config come at once, and the settings that
/// LibTorch reads when it loads are there before it does.
template <typename Config>
int run_front(int argc, char** argv) {
  return run_guarded([&] {
    Command<Config> command = parse_command<Config>(argc, argv);
    if (answer(kTool<Config>, command.line, bind(command.config))) return;
    start_engine(kTool<Config>, threads_of(command.config), argc, argv);
  });
}

}  // namespace rlhf
