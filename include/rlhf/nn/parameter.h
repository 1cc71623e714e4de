#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"

namespace rlhf {

/// The layout of a matrix in files, if it differs from this library's: [out,in], with the rows of fused products in the
/// order query‖key‖value.
struct FileLayout {
  bool transposed = false;  ///< the file has [in,out] (GPT-2)
  /// Number of key heads, if the file has the rows of each with those of its value and its queries: q…‖k‖v for each
  /// (GPT-NeoX, Falcon).
  std::int64_t interleaved_heads = 0;
  std::int64_t queries_per_key = 1;
};
/// Converts values from and to the layout of files. The result is a view or a copy. Errors: ShapeError,
/// ArgumentError.
at::Tensor from_file_layout(const at::Tensor& values, const FileLayout& layout);
at::Tensor to_file_layout(const at::Tensor& values, const FileLayout& layout);

/// A trainable tensor. `value` is the autograd leaf in the compute dtype. Matrices with the same input are one
/// parameter, so that one product replaces several; files have them as separate tensors, the parts.
struct Parameter {
  /// Rows that are a separate tensor in files.
  struct Part {
    std::string name;
    std::int64_t rows;
  };

  std::string name;  ///< the name in files, if the parameter is one tensor there
  at::Tensor value;
  bool decay = true;        ///< whether weight decay applies (false for norms and biases)
  at::Tensor master;        ///< fp32 values from which `value` was rounded, to start training from; may be undefined
  std::vector<Part> parts;  ///< from the first row to the last; empty if it is one tensor `name`
  FileLayout layout;        ///< the layout in files, if it is one tensor there
  std::string last_column;  ///< the name in files of the last column, if that is a vector of its own there
  /// The backward pass of this layer, counted from 0, completes the gradient; the number of layers or more: that of
  /// what comes after them; -1: only the end of the backward pass does.
  std::int64_t layer = -1;
};

using Parameters = std::vector<Parameter>;

/// Splits `tensor`, which has the shape of `parameter`, into the tensors of files, with their names and layout.
/// Throws ShapeError for a tensor of another shape.
NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor);
/// The values of all parameters, with the names and layout of files.
NamedTensors named_values(const Parameters& parameters);

}  // namespace rlhf
