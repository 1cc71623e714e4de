// Allocation, rounding and naming of trained weights.
#include "rlhf/nn/trained_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

constexpr std::int64_t kAlignment = 16;  // elements; the gradient of each weight begins at a cache line

std::int64_t padded(std::int64_t elements) { return (elements + kAlignment - 1) / kAlignment * kAlignment; }

/// The float32 values from which the leaf was rounded, if the file had them, otherwise those of the leaf.
at::Tensor master_of(const Parameter& parameter) {
  return parameter.master.defined() ? parameter.master : parameter.value.detach().to(at::kFloat);
}

bool is_trained(const Parameter& parameter) {
  check_floating(parameter.value, parameter.name);
  if (parameter.master.defined() && parameter.master.sizes() != parameter.value.sizes())
    throw ShapeError(parameter.name + ": expected a master of the shape of the weight, found another shape");
  return parameter.value.requires_grad();
}

}  // namespace

TrainedWeights::TrainedWeights(const Parameters& parameters) : parameters_(parameters) {
  std::int64_t elements = 0;
  for (const Parameter& parameter : parameters_)
    if (is_trained(parameter)) elements += padded(parameter.value.numel());
  check_argument(elements > 0, "parameters", "at least one weight that requires a gradient", "none");
  gradients_ = at::zeros({elements}, parameters_.front().value.options().dtype(at::kFloat).requires_grad(false));
  std::int64_t begin = 0;
  for (const Parameter& parameter : parameters_) {
    const at::Tensor& leaf = parameter.value;
    if (!leaf.requires_grad()) continue;
    weights_.push_back(
        {parameter, leaf, master_of(parameter), gradients_.narrow(0, begin, leaf.numel()).view(leaf.sizes())});
    begin += padded(leaf.numel());
  }
  zero_gradients();
}

void TrainedWeights::zero_gradients() {
  const at::NoGradGuard no_grad;
  gradients_.zero_();
  // mutable_grad() accepts a float32 gradient of a bfloat16 leaf; the setter of grad() would refuse it.
  for (const Weight& weight : weights_) weight.leaf.mutable_grad() = weight.gradient;
}

void TrainedWeights::write_leaves() {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> leaves, masters;
  for (const Weight& weight : weights_) {
    if (weight.leaf.scalar_type() == at::kFloat) continue;  // the leaf is the master
    leaves.push_back(weight.leaf);
    masters.push_back(weight.master);
  }
  if (!leaves.empty()) at::_foreach_copy_(leaves, masters);
}

NamedTensors TrainedWeights::file_tensors() const {
  NamedTensors result;
  std::size_t trained = 0;
  for (const Parameter& parameter : parameters_) {
    const bool frozen = !parameter.value.requires_grad();
    const at::Tensor& values = frozen ? parameter.value : weights_[trained++].master;
    for (auto& part : split_parts(parameter, values)) result.push_back(std::move(part));
  }
  return result;
}

std::int64_t TrainedWeights::bytes() const {
  auto total = static_cast<std::int64_t>(gradients_.nbytes());
  for (const Weight& weight : weights_)
    if (weight.leaf.scalar_type() != at::kFloat) total += static_cast<std::int64_t>(weight.master.nbytes());
  return total;
}

}  // namespace rlhf
