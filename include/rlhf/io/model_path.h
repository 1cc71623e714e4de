#pragma once

#include <filesystem>
#include <string>

namespace rlhf {

/// The folder that `said` means: itself where it exists, else the snapshot of a model id ("gpt2", "org/name") in the
/// local cache of huggingface_hub, the one that its refs/main names. The cache is $HF_HUB_CACHE, $HF_HOME/hub or
/// ~/.cache/huggingface/hub, whichever is said first. Nothing is fetched: where there is no such snapshot, `said` as it
/// is.
std::filesystem::path find_model(const std::string& said);

}  // namespace rlhf
