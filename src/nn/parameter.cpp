// Conversion of parameters to and from the tensors of files.
#include "rlhf/nn/parameter.h"

#include <vector>

#include <ATen/ops/cat.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

/// The number of rows of a head.
std::int64_t head_width(const at::Tensor& values, const FileLayout& layout) {
  const std::int64_t heads = layout.interleaved_heads * (layout.queries_per_key + 2);
  if (values.dim() == 0 || values.size(0) % heads != 0)
    throw ShapeError("file layout: expected a multiple of " + std::to_string(heads) + " rows, found another tensor");
  return values.size(0) / heads;
}

/// Rows q…‖k‖v of each key head -> rows of all queries ‖ all keys ‖ all values.
at::Tensor gather_heads(const at::Tensor& values, const FileLayout& layout) {
  const std::int64_t width = head_width(values, layout), queries = layout.queries_per_key;
  const auto parts =
      values.reshape({layout.interleaved_heads, queries + 2, width, -1}).split_with_sizes({queries, 1, 1}, 1);
  return at::cat({parts[0].flatten(0, 2), parts[1].flatten(0, 2), parts[2].flatten(0, 2)}).view(values.sizes());
}

/// The inverse of gather_heads().
at::Tensor interleave_heads(const at::Tensor& values, const FileLayout& layout) {
  const std::int64_t width = head_width(values, layout), heads = layout.interleaved_heads;
  const std::int64_t keys = heads * width;
  std::vector<at::Tensor> parts = values.split_with_sizes({keys * layout.queries_per_key, keys, keys});
  for (at::Tensor& part : parts) part = part.reshape({heads, part.size(0) / keys, width, -1});
  return at::cat(parts, 1).view(values.sizes());
}

void check_layout(const at::Tensor& values, const FileLayout& layout) {
  if (!values.defined() || (layout.transposed && values.dim() > 2))
    throw ShapeError("file layout: expected a vector or a matrix, found another tensor or none");
  check_argument(layout.interleaved_heads >= 0, "interleaved_heads", "at least 0", layout.interleaved_heads);
  check_argument(layout.queries_per_key >= 1, "queries_per_key", "at least 1", layout.queries_per_key);
}

}  // namespace

at::Tensor from_file_layout(const at::Tensor& values, const FileLayout& layout) {
  check_layout(values, layout);
  const at::Tensor rows = layout.transposed ? values.t().contiguous() : values;
  return layout.interleaved_heads > 0 ? gather_heads(rows, layout) : rows;
}

at::Tensor to_file_layout(const at::Tensor& values, const FileLayout& layout) {
  check_layout(values, layout);
  const at::Tensor rows = layout.interleaved_heads > 0 ? interleave_heads(values, layout) : values;
  return layout.transposed ? rows.t() : rows;
}

NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor) {
  if (!parameter.last_column.empty()) {
    check_shape(tensor, parameter.name, {-1, -1});
    return {{parameter.name, tensor.slice(1, 0, -1)}, {parameter.last_column, tensor.select(1, -1)}};
  }
  if (parameter.parts.empty()) return {{parameter.name, to_file_layout(tensor, parameter.layout)}};
  NamedTensors result;
  std::int64_t row = 0, all = 0;
  for (const auto& [name, rows] : parameter.parts) all += rows;
  if (!tensor.defined() || tensor.dim() == 0 || tensor.size(0) != all)
    throw ShapeError(parameter.name + ": expected " + std::to_string(all) + " rows, found another tensor");
  for (const auto& [name, rows] : parameter.parts) {
    result.emplace_back(name, tensor.narrow(0, row, rows));
    row += rows;
  }
  return result;
}

NamedTensors named_values(const Parameters& parameters) {
  NamedTensors result;
  for (const Parameter& parameter : parameters) {
    for (auto& part : split_parts(parameter, parameter.value)) result.push_back(std::move(part));
  }
  return result;
}

}  // namespace rlhf
