// Makes the leaves of a model from loaded or drawn values.
#include "nn/placement.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/random.h"
#include "rlhf/tensor/device.h"

namespace rlhf {
namespace {

bool is_wide(const at::Tensor& values) { return values.scalar_type() == at::kFloat; }

/// Whether `part`, which was read or drawn for this weight alone, can be the weight.
bool is_ready(const at::Tensor& part, at::Device device, at::ScalarType type) {
  return part.scalar_type() == type && part.device() == device && part.is_contiguous() &&
         part.storage().nbytes() == part.nbytes();
}

at::Tensor copy(at::TensorList parts, at::Device device, at::ScalarType type) {
  if (parts.size() == 1 && is_ready(parts.front(), device, type)) return parts.front();
  std::vector<std::int64_t> sizes = parts.front().sizes().vec();
  for (const at::Tensor& part : parts.slice(1)) sizes[0] += part.size(0);
  at::Tensor rows = at::empty(sizes, at::TensorOptions(device).dtype(type));
  std::int64_t row = 0;
  for (const at::Tensor& part : parts) {
    rows.narrow(0, row, part.size(0)).copy_(part);
    row += part.size(0);
  }
  return rows;
}

template <typename Draw>
at::Tensor draw_each(at::IntArrayRef sizes, const Draw& draw) {
  at::Tensor values = at::empty(sizes, at::kFloat);
  float* const out = values.mutable_data_ptr<float>();
  at::parallel_for(0, values.numel(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<float>(draw(i));
  });
  return values;
}

}  // namespace

Weight Placement::weight(at::TensorList parts) const {
  const bool rounds = requires_grad && dtype != at::kFloat && std::any_of(parts.begin(), parts.end(), is_wide);
  return {copy(parts, device, dtype).set_requires_grad(requires_grad),
          rounds ? copy(parts, device, at::kFloat) : at::Tensor()};
}

WeightSource Placement::source(std::function<at::Tensor(const WeightRequest&)> read) const {
  return {std::move(read), [placement = *this](at::TensorList parts) { return placement.weight(parts); }, supply};
}

void check_placement(at::Device device, at::ScalarType dtype) {
  check_usable(device);
  check_argument(dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kDouble, "dtype",
                 "float32, bfloat16 or float64", c10::toString(dtype));
}

at::Tensor draw_normal(at::IntArrayRef sizes, double std, std::uint64_t seed, std::uint64_t stream) {
  return draw_each(sizes, [&](std::int64_t i) { return std * random_normal(seed, stream, i); });
}

at::Tensor draw_uniform(at::IntArrayRef sizes, double bound, std::uint64_t seed, std::uint64_t stream) {
  return draw_each(sizes, [&](std::int64_t i) { return bound * (2 * random_uniform(seed, stream, i) - 1); });
}

at::Tensor new_score(std::int64_t width, std::uint64_t seed) {
  return draw_normal({1, width}, 1.0 / std::sqrt(static_cast<double>(width) + 1.0), seed,
                     random_stream(1, 1));  // distinct from the streams of a new model's weights
}

}  // namespace rlhf
