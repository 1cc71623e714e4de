#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// The tensors of a model folder: model.safetensors, or the shards that model.safetensors.index.json lists.
class WeightFiles {
 public:
  /// Throws ModelError: no such file, pickled weights only, a shard that is missing or lies outside the folder.
  explicit WeightFiles(const std::filesystem::path& folder);

  const std::map<std::string, const SafetensorsFile*>& tensors() const { return tensors_; }
  /// The entry of `name`, or null.
  const SafetensorsFile::Entry* find(const std::string& name) const;
  /// Zero-copy view of a tensor that find() knows.
  at::Tensor tensor(const std::string& name) const { return tensors_.at(name)->tensor(name); }

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const SafetensorsFile*> tensors_;
};

}  // namespace rlhf
