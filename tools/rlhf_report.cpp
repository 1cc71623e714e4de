// rlhf-report: writes the page of a run, or a page that compares several runs.
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/version.h"
#include "rlhf/report/run_report.h"

#include "command_line.h"
#include "front.h"
#include "run_guarded.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp =
    R"(usage: rlhf-report RUN… [--output FILE]

Writes one HTML page: curves, samples, plan and config of a run, or a comparison of several runs.

  RUN                     run folder (train.output) of a run that finished, stopped or is still running
  --output FILE           file to write; default: RUN/report.html for one run, report.html for several
  --help                  print this text
  --version               print the version
)";

struct ReportOptions {
  std::vector<fs::path> runs;
  fs::path output;
  bool help = false, version = false;
};

ReportOptions parse(int argc, const char* const* argv) {
  ReportOptions options;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_option("runs", options.runs);
  app.add_option("--output", options.output);
  app.add_flag("--help", options.help);
  app.add_flag("--version", options.version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    throw ConfigError({std::string("command line: ") + e.what()});
  }
  for (const std::string& extra : app.remaining())
    throw ConfigError({"command line: unknown flag " + extra + "; hint: --help lists all of them"});
  for (fs::path& run : options.runs) run = path_argument("RUN", run.string());
  options.output = path_argument("--output", options.output.string());
  return options;
}

void write_page(const ReportOptions& options) {
  if (options.runs.empty())
    throw ConfigError({"command line: expected at least one run folder, found none; hint: rlhf-report runs/sft"});
  const bool one = options.runs.size() == 1;
  const std::string page = one ? run_page(options.runs[0]) : comparison_page(options.runs);
  const fs::path default_output = one ? options.runs[0] / "report.html" : fs::path("report.html");
  const fs::path output = options.output.empty() ? default_output : options.output;
  write_file_atomically(output, page);
  log_info("wrote " + output.string());
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) {
  return rlhf::run_guarded([&] {
    const rlhf::ReportOptions options = rlhf::parse(argc, argv);
    if (options.help) return rlhf::print(rlhf::kHelp);
    if (options.version) return rlhf::print(std::string("rlhf-report ") + rlhf::kVersion + "\n");
    rlhf::write_page(options);
  });
}
