#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"
#include "rlhf/nn/model_folder.h"

#include "nn/weight_source.h"

namespace rlhf {

/// Whether a folder is that of a PEFT adapter: adapter_config.json without the weights of a whole model.
bool is_adapter_folder(const std::filesystem::path& path);

/// Reads adapter_config.json. Throws ModelError for what is not a plain LoRA adapter, by its key.
Adapter read_adapter(const std::filesystem::path& path);
/// The folder of the base model that adapter_config.json names: a path as it is or below the adapter's folder, or an id
/// in the local cache.
std::filesystem::path find_base_of(const Adapter& adapter);

/// The tensors of adapter_model.safetensors, by the names of the model's layers.
class AdapterWeights {
 public:
  /// Throws ModelError if the file is missing or broken.
  explicit AdapterWeights(const Adapter& adapter);

  /// Whether the layer of this name (without ".weight") has an adapter.
  bool adapts(const std::string& layer) const;
  /// Reads a tensor; throws ModelError if it is missing, of another shape or not finite.
  at::Tensor read(const WeightRequest& request);
  /// The values of a layer's weight, in the layout of the file, plus scale·B·A, in float32.
  at::Tensor merged(const at::Tensor& weight, const std::string& layer, bool transposed);
  /// Throws ModelError if a tensor was not read.
  void refuse_leftovers() const;

 private:
  SafetensorsFile file_;
  std::string where_;
  double scale_;
  std::int64_t rank_;
  std::set<std::string> read_;
};

/// Writes the folder of an adapter: adapter_config.json, adapter_model.safetensors, and what SaveOptions has. A value
/// in `reward_mean` makes it one with a scalar head.
void save_adapter(const ModelFolder& source, const TensorStream& weights, std::optional<double> reward_mean,
                  const SaveOptions& options, const std::filesystem::path& path);

}  // namespace rlhf
