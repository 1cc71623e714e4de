// Conversion of parameters to and from the tensors of files.
#include "rlhf/nn/parameter.h"

namespace rlhf {
namespace {

/// Swaps the two outer levels of the rows: [outer·inner·rest,…] as [outer,inner,rest] -> [inner,outer,rest].
at::Tensor regroup_rows(const at::Tensor& values, std::int64_t outer, std::int64_t inner) {
  const std::int64_t width = values.size(0) / (outer * inner);
  return values.reshape({outer, inner, width, -1}).transpose(0, 1).reshape(values.sizes());
}

constexpr std::int64_t kQueryKeyValue = 3;

}  // namespace

at::Tensor from_file_layout(const at::Tensor& values, const FileLayout& layout) {
  const at::Tensor rows = layout.transposed ? values.t().contiguous() : values;
  return layout.interleaved_heads > 0 ? regroup_rows(rows, layout.interleaved_heads, kQueryKeyValue) : rows;
}

at::Tensor to_file_layout(const at::Tensor& values, const FileLayout& layout) {
  const at::Tensor rows =
      layout.interleaved_heads > 0 ? regroup_rows(values, kQueryKeyValue, layout.interleaved_heads) : values;
  return layout.transposed ? rows.t() : rows;
}

NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor) {
  if (parameter.parts.empty()) return {{parameter.name, to_file_layout(tensor, parameter.layout)}};
  NamedTensors result;
  std::int64_t row = 0;
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
