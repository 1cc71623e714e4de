#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// Writes RUN/report.html from what the run folder holds: run.json (stage, total_steps, version, plan), config.yaml,
/// metrics.jsonl, samples.jsonl, log.txt and the names of checkpoints and results. Call it when a run has ended,
/// finished or stopped; a later call replaces the page. The file is written atomically.
///
/// Whatever is missing, torn or of another version is left out of the page. Throws OutputError, only if the page cannot
/// be written.
void write_report(const std::filesystem::path& run_folder);

/// The page of one run, which may still be running. Throws DataError if `run_folder` is no run: a folder with run.json
/// or metrics.jsonl.
std::string run_page(const std::filesystem::path& run_folder);

/// Several runs side by side: one chart per metric with a curve per run, last and best values, and the keys of their
/// configs that differ. Throws DataError as run_page does.
std::string comparison_page(const std::vector<std::filesystem::path>& run_folders);

}  // namespace rlhf
