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
  /// `base` may be missing in front of the names: the file is that of a trunk without a head.
  WeightFiles(const std::filesystem::path& folder, std::string base);

  const std::map<std::string, const SafetensorsFile*>& tensors() const { return tensors_; }
  /// What the files call the tensor `name`; empty: they do not have it.
  std::string name_in_files(const std::string& name) const;
  /// The entry of `name`, or null.
  const SafetensorsFile::Entry* find(const std::string& name) const;
  /// Zero-copy view of a tensor that find() knows.
  at::Tensor tensor(const std::string& name) const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const SafetensorsFile*> tensors_;
  std::string base_;
};

}  // namespace rlhf
