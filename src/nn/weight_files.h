#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// The tensors of a model folder: model.safetensors, or the shards listed in model.safetensors.index.json.
class WeightFiles {
 public:
  /// Throws ModelError if there are no weight files, if they are pickled, or if a shard is missing or outside the
  /// folder. The prefix `base` may be missing in the names: then the file is that of a base model without a head.
  WeightFiles(const std::filesystem::path& folder, std::string base);

  const std::map<std::string, const SafetensorsFile*>& tensors() const { return tensors_; }
  /// The name of the tensor `name` in the files, or "" if they do not have it.
  std::string name_in_files(const std::string& name) const;
  /// The entry of the tensor `name`, or nullptr.
  const SafetensorsFile::Entry* find(const std::string& name) const;
  /// Reads a tensor for which find() returned an entry.
  at::Tensor tensor(const std::string& name) const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const SafetensorsFile*> tensors_;
  std::string base_;
};

}  // namespace rlhf
