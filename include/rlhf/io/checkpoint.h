#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// What a checkpoint holds: named groups of tensors, one safetensors file each ("policy", "policy_optimizer", …),
/// and one JSON object for counters, schedules, fingerprints.
struct Checkpoint {
  std::map<std::string, NamedTensors> groups;
  nlohmann::json state;
};

/// Writes checkpoints/step-000123 (beside, sync, rename) with manifest.json: size and CRC-32 of every file.
/// Afterwards this one and the newest before it stay, `keep_last` (>= 1) in all; the others go only once it stands.
/// One of a later step goes too: it is broken, or the run would have resumed from it. Throws OutputError.
void save_checkpoint(const std::filesystem::path& checkpoints, std::int64_t step, const Checkpoint& checkpoint,
                     std::int64_t keep_last);

struct FoundCheckpoint {
  std::int64_t step;
  std::filesystem::path folder;
};
/// The newest checkpoint whose manifest verifies; newer broken ones are skipped with one warning each that names the
/// file and what is wrong. Nothing found: nullopt. All found are broken: ModelError.
std::optional<FoundCheckpoint> find_checkpoint(const std::filesystem::path& checkpoints);
/// Tensors are views of the mapped files.
Checkpoint load_checkpoint(const std::filesystem::path& folder);

/// Copies each loaded tensor into the target of the same name (any device, any dtype). Throws ModelError naming the
/// first missing, extra or differently shaped tensor.
void restore_tensors(const NamedTensors& loaded, const NamedTensors& targets, const std::string& what);

}  // namespace rlhf
