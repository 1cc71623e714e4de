// Writes, finds, reads and removes checkpoints.
#include "rlhf/io/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "io/manifest.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStepPrefix = "step-";
constexpr const char* kStateFile = "state.json";
constexpr const char* kTensorsExtension = ".safetensors";
constexpr const char* kRank = ".rank";

std::string folder_name(std::int64_t step) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "step-%06lld", static_cast<long long>(step));
  return name.data();
}

std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kStepPrefix)) return std::nullopt;
  std::int64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kStepPrefix.size(), end, step);
  if (error != std::errc() || stop != end || step < 0) return std::nullopt;
  return step;
}

/// All checkpoint folders by step, newest first.
std::map<std::int64_t, fs::path, std::greater<>> list_checkpoints(const fs::path& checkpoints) {
  std::map<std::int64_t, fs::path, std::greater<>> found;
  if (!fs::exists(checkpoints)) return found;
  if (!fs::is_directory(checkpoints))
    throw ModelError(checkpoints.string() + ": expected a folder of checkpoints, found a file");
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints)) {
    if (const auto step = step_of(entry.path().filename().string())) found.emplace(*step, entry.path());
  }
  return found;
}

/// Renames the folder first, so that an interrupted removal leaves no incomplete checkpoint under a valid name.
void remove_checkpoint(const fs::path& folder) {
  const fs::path trash = folder.parent_path() / ("." + folder.filename().string() + ".trash");
  std::error_code error;
  fs::rename(folder, trash, error);
  if (!error) fs::remove_all(trash, error);
  if (error) log_warning("cannot remove the old checkpoint " + folder.string() + ": " + error.message());
}

/// Keeps `step` and the newest before it. A later one is broken: otherwise the run would have resumed from it. The
/// checkpoint is saved already, so a failure here does not end the run.
void prune(const fs::path& checkpoints, std::int64_t step, std::int64_t keep_last) try {
  std::int64_t kept = 0;
  for (const auto& [other, folder] : list_checkpoints(checkpoints)) {
    if (other <= step && kept < keep_last) {
      ++kept;
    } else {
      remove_checkpoint(folder);
    }
  }
  remove_partial_checkpoints(checkpoints);
} catch (const fs::filesystem_error& error) {
  log_warning("cannot remove old checkpoints: " + path_and_reason(error));
}

}  // namespace

fs::path checkpoint_folder(const fs::path& checkpoints, std::int64_t step) { return checkpoints / folder_name(step); }

void remove_partial_checkpoints(const fs::path& checkpoints) {
  std::error_code error;
  std::vector<fs::path> found;
  for (auto entry = fs::directory_iterator(checkpoints, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->path().filename().string().starts_with(".step-")) found.push_back(entry->path());
  for (const fs::path& folder : found) fs::remove_all(folder, error);
}

std::string group_part(const std::string& group, int rank) { return group + kRank + std::to_string(rank); }

void write_group(const fs::path& folder, const std::string& group, const NamedTensors& tensors) {
  write_safetensors(folder / (group + kTensorsExtension), tensors);
}

void save_checkpoint(const fs::path& checkpoints, std::int64_t step, const Checkpoint& checkpoint,
                     std::int64_t keep_last, const OtherWriters& others) {
  check_argument(step >= 0, "step", "at least 0", step);
  check_argument(keep_last >= 1, "keep_last", "at least 1", keep_last);
  for (const auto& [group, tensors] : checkpoint.groups)
    check_argument(!group.empty() && group.find('/') == std::string::npos, "group of a checkpoint", "a name without /",
                   "\"" + group + "\"");
  std::error_code error;
  fs::create_directories(checkpoints, error);
  if (error) throw OutputError("creating " + checkpoints.string() + ": " + error.message());
  write_folder_atomically(checkpoint_folder(checkpoints, step), [&](const fs::path& folder) {
    const std::function<void()> wait = others ? others(folder) : nullptr;
    for (const auto& [group, tensors] : checkpoint.groups) write_group(folder, group, tensors);
    write_file_atomically(folder / kStateFile, checkpoint.state.dump(2) + "\n");
    if (wait) wait();
    write_manifest(folder);
  });
  prune(checkpoints, step, keep_last);
}

std::optional<FoundCheckpoint> find_checkpoint(const fs::path& checkpoints) {
  std::string last_fault;
  const auto found = with_file_errors(ExitCode::model, [&] { return list_checkpoints(checkpoints); });
  for (const auto& [step, folder] : found) {
    try {
      with_file_errors(ExitCode::model, [&] { verify_manifest(folder); });
      return FoundCheckpoint{step, folder};
    } catch (const Error& fault) {
      last_fault = fault.what();
      log_warning("skipping a broken checkpoint: " + last_fault);
    }
  }
  if (last_fault.empty()) return std::nullopt;
  throw ModelError(checkpoints.string() +
                   ": expected a complete checkpoint, found only broken ones; the oldest: " + last_fault);
}

SavedCheckpoint load_checkpoint(const fs::path& folder) {
  SavedCheckpoint checkpoint;
  for (const auto& [name, stamp] : read_manifest(folder)) {
    const fs::path path = folder / name;
    if (path.extension() != kTensorsExtension) continue;
    const std::string stem = path.stem().string();
    checkpoint.groups[stem.substr(0, stem.find(kRank))].emplace_back(path);
  }
  const fs::path state = folder / kStateFile;
  try {
    checkpoint.state = nlohmann::json::parse(read_file(state, ExitCode::model, kMaxRunFileBytes));
  } catch (const nlohmann::json::exception&) {
    throw ModelError(state.string() + ": expected JSON, found something else");
  }
  return checkpoint;
}

}  // namespace rlhf
