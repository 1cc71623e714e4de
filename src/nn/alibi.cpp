// Linear biases of attention.
#include "nn/alibi.h"

#include <bit>
#include <cmath>
#include <vector>

#include <ATen/ops/tensor.h>

namespace rlhf {
namespace {

std::vector<double> slopes(std::int64_t heads) {
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(heads)));
  const auto slope = [](double h, std::int64_t n) { return std::exp2(-8 * h / static_cast<double>(n)); };
  std::vector<double> result;
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto index = static_cast<double>(h < power ? h : h - power);
    result.push_back(h < power ? slope(index + 1, power) : slope(2 * index + 1, 2 * power));
  }
  return result;
}

}  // namespace

at::Tensor alibi(const at::Tensor& distances, std::int64_t heads, at::ScalarType dtype) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(distances.dim()) + 1, 1);
  sizes.front() = heads;
  const at::Tensor by_head = at::tensor(slopes(heads), at::kFloat).to(distances.device()).view(sizes);
  return distances.to(at::kFloat).unsqueeze(0).mul(by_head).to(dtype);
}

}  // namespace rlhf
