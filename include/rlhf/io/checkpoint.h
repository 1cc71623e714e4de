#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// The content of a checkpoint: named groups of tensors, one safetensors file each ("policy", "policy_optimizer", …),
/// and one JSON object with counters, schedules and fingerprints. A group of which several processes have parts is a
/// file of each, group_part().
struct Checkpoint {
  std::map<std::string, NamedTensors> groups;
  nlohmann::json state;
};

/// The name of the part of a group that a process writes: "policy.rank1".
std::string group_part(const std::string& group, int rank);
/// Writes one file of a checkpoint into `folder`. Throws OutputError.
void write_group(const std::filesystem::path& folder, const std::string& group, const NamedTensors& tensors);

using OtherWriters = std::function<std::function<void()>(const std::filesystem::path& folder)>;
/// Writes checkpoints/step-000123 atomically, with manifest.json: size and CRC-32 of every file. Then removes all but
/// the newest `keep_last` (>= 1) checkpoints up to this step. Also removes checkpoints of later steps: they are broken,
/// otherwise the run would have resumed from them. Throws OutputError,
/// and ArgumentError for a step, a number or a group name that is not allowed. That an old checkpoint cannot
/// be removed is a warning. `others`, if given, is called with the folder that is filled, so that other processes
/// can write their parts into it, and returns a function that waits until they have.
void save_checkpoint(const std::filesystem::path& checkpoints, std::int64_t step, const Checkpoint& checkpoint,
                     std::int64_t keep_last, const OtherWriters& others = {});

/// The folder of the checkpoint of a step: checkpoints/step-000123.
std::filesystem::path checkpoint_folder(const std::filesystem::path& checkpoints, std::int64_t step);
/// Removes what a process that was killed while it wrote or removed a checkpoint left in the folder. Throws nothing.
void remove_partial_checkpoints(const std::filesystem::path& checkpoints);

struct FoundCheckpoint {
  std::int64_t step;
  std::filesystem::path folder;
};
/// Returns the newest checkpoint whose files match its manifest, or nullopt if there is no checkpoint. Skips newer
/// broken checkpoints and logs one warning for each, with the file and the fault. Throws ModelError if all checkpoints
/// are broken or the folder cannot be read.
std::optional<FoundCheckpoint> find_checkpoint(const std::filesystem::path& checkpoints);
/// A checkpoint to resume from. Its tensors stay in the files until restore_tensors reads them, one at a time.
struct SavedCheckpoint {
  std::map<std::string, std::vector<SafetensorsFile>> groups;  ///< the files of each, one unless it is in parts
  nlohmann::json state;
};
SavedCheckpoint load_checkpoint(const std::filesystem::path& folder);

/// Copies each saved tensor into the target of the same name (any device, any dtype). "w[256:512]" are elements of the
/// flat tensor "w", of which files and targets may have other parts. Throws ModelError for the first tensor that is
/// missing, incomplete, unexpected or of another shape, before anything is copied; `what` begins the message.
void restore_tensors(std::span<const SafetensorsFile> saved, const NamedTensors& targets, const std::string& what);
inline void restore_tensors(const SafetensorsFile& saved, const NamedTensors& targets, const std::string& what) {
  restore_tensors(std::span(&saved, 1), targets, what);
}

}  // namespace rlhf
