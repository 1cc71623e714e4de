#pragma once

#include <cstdint>
#include <set>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/model_folder.h"

#include "nn/decoder_config.h"
#include "nn/weight_files.h"
#include "nn/weight_source.h"

namespace rlhf {

/// Reads a tensor of a file. Throws ModelError "PLACE: expected …, found …" unless it has these `sizes`, which are so
/// `by` something ("config.json"), and a dtype of model files, and another one unless it is finite.
at::Tensor read_checked(const SafetensorsFile& file, const std::string& name_in_file, at::IntArrayRef sizes,
                        const std::string& place, const std::string& by);
/// "[3, 4]"
std::string sizes_text(at::IntArrayRef sizes);

/// Returns the tensors of a folder and records which were requested.
class FileWeights {
 public:
  FileWeights(const ModelFolder& folder, const DecoderNames& names);

  /// Throws ModelError unless the tensor is there, of this shape, of a known dtype and finite.
  at::Tensor read(const WeightRequest& request);
  bool is_missing_head(const WeightRequest& request) const {
    return is_of_head(request.name) && files_.find(head_) == nullptr;
  }

  /// The head of a tied model is its embedding; a file with a different head would silently lose it.
  void expect_tied_head();
  /// Checks that all tensors were requested. The file may contain an output head that this model does not need (tied,
  /// or a scalar model), and constants (rotary tables, causal masks) that old versions of `transformers` stored.
  void refuse_leftovers() const;

 private:
  bool is_of_head(const std::string& name) const {
    return name == head_ || (!head_bias_.empty() && name == head_bias_);
  }
  WeightFiles files_;
  std::string embedding_, head_, head_bias_, where_;
  std::int64_t stored_rows_;
  std::set<std::string> asked_;
};

}  // namespace rlhf
