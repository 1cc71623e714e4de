#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>

#include "support/temporary_folder.h"

namespace rlhf {

/// The folder of the tools, or what the environment variable RLHF_BIN says, for test programs that run on another
/// machine.
inline std::string bin_dir() {
  const char* moved = std::getenv("RLHF_BIN");
  return moved != nullptr ? moved : RLHF_BIN;
}

struct ProgramResult {
  int exit_code = -1;
  std::string out, err;
};

/// Runs a shell command and catches what it prints.
inline ProgramResult run_program(const std::string& command) {
  const testing::TemporaryFolder folder;
  const std::string out = folder.path() / "out", err = folder.path() / "err";
  const int status = std::system(("( " + command + " ) >" + out + " 2>" + err).c_str());
  const auto text = [](const std::string& path) {
    std::ostringstream stream;
    stream << std::ifstream(path).rdbuf();
    return stream.str();
  };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
}

}  // namespace rlhf
