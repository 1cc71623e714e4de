#pragma once

#include <filesystem>
#include <string>

namespace rlhf {

/// Returns the folder of a model. `model` is a path, or a model id ("gpt2", "org/name") in the local cache of
/// huggingface_hub: an existing path is returned as it is, otherwise the id's snapshot that refs/main names. The cache
/// is the first of $HF_HUB_CACHE, $HF_HOME/hub and ~/.cache/huggingface/hub that is set. Downloads nothing; returns
/// `model` unchanged if there is no such snapshot.
std::filesystem::path find_model(const std::string& model);

/// Where the cache has a model of this id (models--ORG--NAME), whether or not it is there; "" if `model` is no id.
std::filesystem::path cached_model(const std::string& model);

/// The id of the model whose snapshot in the cache is `folder` (…/models--ORG--NAME/snapshots/REVISION); "" for another
/// folder.
std::string model_id_of(const std::filesystem::path& folder);

}  // namespace rlhf
