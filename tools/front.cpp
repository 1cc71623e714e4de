// What the front of every tool shares.
#include "front.h"

#include <iostream>

#include "rlhf/core/error.h"
#include "rlhf/core/rank_place.h"
#include "rlhf/core/version.h"

namespace rlhf {

void print(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) throw OutputError("writing to stdout: cannot write all of the output");
}

bool print_requested(const Tool& tool, const CommandLine& line, const Section& options) {
  if (line.help) {
    print(help_text(tool, options));
  } else if (line.version) {
    print(std::string(tool.name) + " " + kVersion + "\n");
  } else if (line.schema) {
    print(to_json_schema(options, tool.name));
  } else if (line.print_config) {
    print(to_yaml(options));
  } else {
    return false;
  }
  return true;
}

bool starts_ranks(const CommandLine& line) {
  if (!line.ranks) return false;
  const int started = read_rank_place().size;
  if (started != 1 && started != *line.ranks)
    throw ConfigError({"--ranks: expected " + std::to_string(started) +
                       ", the number of processes that were started, or " + "no such flag, found " +
                       std::to_string(*line.ranks)});
  return started == 1 && *line.ranks > 1;
}

}  // namespace rlhf
