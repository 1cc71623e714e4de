#include "rlhf/nn/parameter.h"

namespace rlhf {

NamedTensors split_parts(const Parameter& parameter, const at::Tensor& tensor) {
  if (parameter.parts.empty()) return {{parameter.name, tensor}};
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
