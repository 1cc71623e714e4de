#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// Writes RUN/report.html from the files in the run folder: run.json (stage, total_steps, version, plan), config.yaml,
/// metrics.jsonl, samples.jsonl, log.txt and the names of checkpoints and results. Call it when a run has finished or
/// stopped; a later call replaces the page. Writes the file atomically.
///
/// Files that are missing, incomplete or of another version are omitted from the page. Throws OutputError, and only if
/// the page cannot be written.
void write_report(const std::filesystem::path& run_folder);

/// The page of one run, which may still be running. Throws DataError if `run_folder` is not a run folder, i.e. has
/// neither run.json nor metrics.jsonl.
std::string run_page(const std::filesystem::path& run_folder);

/// A page that compares runs: one chart per metric with one curve per run, last and best values, and the keys of their
/// configs that differ. Throws DataError like run_page.
std::string comparison_page(const std::vector<std::filesystem::path>& run_folders);

}  // namespace rlhf
