#pragma once

#include <filesystem>
#include <string>

namespace rlhf {

/// What is at `path` where a model folder with config.json is expected, but has none: a model id that is not in the
/// local cache, a file, a LoRA adapter, a GGUF file, a checkpoint of a run, a folder one level too high, and so on. The
/// text continues "expected a folder with config.json, found " and ends with a hint where there is a way out.
std::string describe_foreign_folder(const std::filesystem::path& path);

/// The same for a folder that has config.json but no model.safetensors: continues "expected model.safetensors, found ".
std::string describe_foreign_weights(const std::filesystem::path& folder);

/// Whether a file is a pointer of Git LFS instead of its content.
bool is_lfs_pointer(const std::filesystem::path& file);

}  // namespace rlhf
