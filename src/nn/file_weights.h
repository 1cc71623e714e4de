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

/// "[3, 4]"
std::string sizes_text(at::IntArrayRef sizes);

/// Returns the tensors of a folder and records which were requested.
class FileWeights {
 public:
  FileWeights(const ModelFolder& folder, const DecoderNames& names);

  /// Throws ModelError unless the tensor is there, of this shape, of a known dtype and finite.
  at::Tensor read(const WeightRequest& request);
  bool has(const std::string& name) const { return files_.find(name) != nullptr; }
  bool is_missing_head(const WeightRequest& request) const { return is_of_head(request.name) && !has(head_); }

  /// The head of a tied model is its embedding; a file with a different head would silently lose it.
  void expect_tied_head();
  /// Checks that all tensors were requested. The file may contain an output head that this model does not need (tied,
  /// or a scalar model), and constants (rotary tables, causal masks) that old versions of `transformers` stored.
  void refuse_leftovers() const;

 private:
  bool is_of_head(const std::string& name) const {
    return name == head_ || (!head_bias_.empty() && name == head_bias_);
  }
  void refuse_infinite(const std::string& name, const at::Tensor& weight) const;

  WeightFiles files_;
  std::string embedding_, head_, head_bias_, where_;
  std::int64_t stored_rows_;
  std::set<std::string> asked_;
};

}  // namespace rlhf
