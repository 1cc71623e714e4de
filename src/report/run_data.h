// Reads a run folder for display. Missing or incomplete files are omitted; nothing is refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/report/chart.h"

namespace rlhf {

/// One line of samples.jsonl.
struct RunSample {
  std::int64_t step = 0;
  std::string prompt, response;
  std::string facts;  ///< "score 1.5 · kl 0.2 · finish stop", from the fields of the line
};

/// The content of log.txt.
struct RunLog {
  std::string first_time, last_time;                      ///< time of the first and last line, "2026-01-31 23:59:59"
  double seconds = 0;                                     ///< time between them
  std::vector<std::pair<std::string, std::string>> plan;  ///< term and text, from the lines that announce the run
  std::vector<std::string> warnings;                      ///< with their times
};

/// The content of a run folder.
struct RunData {
  std::filesystem::path folder;
  std::string name;                                       ///< the name of the folder
  std::string stage;                                      ///< "sft"; empty if unknown
  std::string version;                                    ///< version of the library
  std::int64_t total_steps = -1;                          ///< -1 if unknown
  std::int64_t last_step = 0;                             ///< last step in the metrics, or the newest checkpoint's
  bool finished = false;                                  ///< final/ exists
  std::vector<std::pair<std::string, std::string>> plan;  ///< term and text
  std::vector<Curve> metrics;                             ///< by name, in the order of their first appearance
  std::vector<RunSample> samples;                         ///< some of the first, the middle and the last step
  std::string config;                                     ///< the text of config.yaml
  std::vector<std::string> files;                         ///< checkpoints and results, with sizes
  RunLog log;
};

/// Throws DataError unless there is a run.json or a metrics.jsonl in the folder.
void check_is_run(const std::filesystem::path& folder);
RunData read_run(const std::filesystem::path& folder);

/// The metric with this name, or nullptr.
const Curve* find_metric(const RunData& run, const std::string& name);

// The parts of read_run, each in a separate source file.
std::vector<Curve> read_metrics(const std::filesystem::path& file);
std::vector<RunSample> read_samples(const std::filesystem::path& file);
RunLog read_log(const std::filesystem::path& file);
std::vector<std::string> list_results(const std::filesystem::path& folder);

}  // namespace rlhf
