#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/feedback/simulate.h"

namespace rlhf {

/// The command line of rlhf-feedback simulate.
struct SimulateOptions {
  std::string file, output;
  std::vector<std::string> annotators, experts;  ///< tools/annotator_specs.h
  std::int32_t votes = 3;
  double expert_share = 0.05;
  PairPopulation population;
  std::uint64_t seed = 0;
  bool power = false, overwrite = false;
};

/// The text of --help.
std::string simulate_help();

/// Writes judgments of simulated annotators, or prints the power table. Throws ConfigError, DataError and OutputError.
void simulate(const SimulateOptions& options);

}  // namespace rlhf
