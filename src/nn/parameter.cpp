// Conversion of parameters to and from the tensors of files.
#include "rlhf/nn/parameter.h"

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

/// Swaps the two outer levels of the rows: [outer·inner·rest,…] as [outer,inner,rest] -> [inner,outer,rest].
at::Tensor regroup_rows(const at::Tensor& values, std::int64_t outer, std::int64_t inner) {
  if (values.dim() == 0 || values.size(0) % (outer * inner) != 0)
    throw ShapeError("file layout: expected a multiple of " + std::to_string(outer * inner) +
                     " rows, found another tensor");
  const std::int64_t width = values.size(0) / (outer * inner);
  return values.reshape({outer, inner, width, -1}).transpose(0, 1).reshape(values.sizes());
}

constexpr std::int64_t kQueryKeyValue = 3;

void check_layout(const at::Tensor& values, const FileLayout& layout) {
  if (!values.defined() || (layout.transposed && values.dim() > 2))
    throw ShapeError("file layout: expected a vector or a matrix, found another tensor or none");
  check_argument(layout.interleaved_heads >= 0, "interleaved_heads", "at least 0", layout.interleaved_heads);
}

}  // namespace

at::Tensor from_file_layout(const at::Tensor& values, const FileLayout& layout) {
  check_layout(values, layout);
  const at::Tensor rows = layout.transposed ? values.t().contiguous() : values;
  return layout.interleaved_heads > 0 ? regroup_rows(rows, layout.interleaved_heads, kQueryKeyValue) : rows;
}

at::Tensor to_file_layout(const at::Tensor& values, const FileLayout& layout) {
  check_layout(values, layout);
  const at::Tensor rows =
      layout.interleaved_heads > 0 ? regroup_rows(values, kQueryKeyValue, layout.interleaved_heads) : values;
  return layout.transposed ? rows.t() : rows;
}

NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor) {
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
