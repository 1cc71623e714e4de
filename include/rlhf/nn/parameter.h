#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// How files lay down what we keep as [out, in], with the outputs of a fused product in the order query‖key‖value.
struct FileLayout {
  bool transposed = false;             ///< [in, out], as GPT-2's
  std::int64_t interleaved_heads = 0;  ///< head by head its query, key and value rows, as GPT-NeoX's: how many heads
};
/// A file's tensor as ours, and ours as a file's. Values only: a view or a copy.
at::Tensor from_file_layout(const at::Tensor& values, const FileLayout& layout);
at::Tensor to_file_layout(const at::Tensor& values, const FileLayout& layout);

/// A trainable tensor. `value` is the autograd leaf in the compute dtype. Matrices that read the same input are one
/// parameter (one product instead of three); files know them by their parts.
struct Parameter {
  /// Rows that a model file keeps as a tensor of their own.
  struct Part {
    std::string name;
    std::int64_t rows;
  };

  std::string name;  ///< Hugging Face's, where the parameter is one tensor in files
  at::Tensor value;
  bool decay = true;  ///< weight decay applies (false for norms and biases)
  at::Tensor
      master;  ///< fp32 values that `value` was rounded from, which an optimizer goes on from; undefined: `value`
  std::vector<Part> parts;  ///< from the first row to the last; empty: one tensor called `name`
  FileLayout layout;        ///< of the file's tensor, where there is one
};

using Parameters = std::vector<Parameter>;

/// `tensor`, of the shape of `parameter`, under the names and in the layout that files use.
NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor);
/// All values under the names and in the layout that files use.
NamedTensors named_values(const Parameters& parameters);

}  // namespace rlhf
