// Allocation, rounding and naming of trained weights.
#include "rlhf/nn/trained_weights.h"

#include <algorithm>
#include <numeric>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

constexpr std::int64_t kAlignment = 16;  // elements; the gradient of each weight begins at a cache line
constexpr std::int64_t kBucketBytes = 25 << 20, kFewestBuckets = 8;

std::int64_t padded(std::int64_t elements, std::int64_t alignment) {
  return (elements + alignment - 1) / alignment * alignment;
}

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

at::Tensor TrainedWeights::Weight::own(const at::Tensor& all) const {
  return master.sizes() == all.sizes() ? all : all.view({-1}).narrow(0, begin, master.numel());
}

std::string TrainedWeights::Weight::name_of_own(const std::string& name, std::int64_t block) const {
  if (master.sizes() == leaf.sizes()) return name;
  const auto blocks = [block](std::int64_t elements) { return std::to_string((elements + block - 1) / block); };
  return name + "[" + blocks(begin) + ":" + blocks(begin + master.numel()) + "]";
}

TrainedWeights::TrainedWeights(const Parameters& parameters, Shard shard) : parameters_(parameters), shard_(shard) {
  check_argument(shard.size >= 1 && shard.rank >= 0 && shard.rank < shard.size, "shard", "a rank below its size",
                 shard.rank);
  std::vector<std::int64_t> elements;
  for (const Parameter& parameter : parameters_)
    if (is_trained(parameter)) elements.push_back(parameter.value.numel());
  check_argument(!elements.empty(), "parameters", "at least one weight that requires a gradient", "none");
  const std::vector<std::int64_t> places = lay_out(elements);
  const std::int64_t kept = buckets_.front().end / (shard_.gradients ? shard_.size : 1);
  gradients_ = at::zeros({kept}, parameters_.front().value.options().dtype(at::kFloat).requires_grad(false));
  for (const Parameter& parameter : parameters_) {
    const at::Tensor& leaf = parameter.value;
    if (!leaf.requires_grad()) continue;
    Weight weight{.parameter = parameter, .leaf = leaf, .master = master_of(parameter)};
    weight.place = places[weights_.size()];
    if (!shard_.gradients) weight.gradient = gradients_.narrow(0, weight.place, leaf.numel()).view(leaf.sizes());
    weights_.push_back(std::move(weight));
  }
  if (shard_.size > 1) keep_own_elements();
  zero_gradients();
}

void TrainedWeights::keep_own_elements() {
  for (const Bucket& bucket : buckets_) {
    const auto [own_begin, own_end] = own_range(bucket);
    for (std::size_t i = bucket.first; i < bucket.last; ++i) {
      Weight& weight = weights_[i];
      const std::int64_t count = weight.leaf.numel();
      weight.begin = std::clamp<std::int64_t>(own_begin - weight.place, 0, count);
      const std::int64_t own = std::clamp<std::int64_t>(own_end - weight.place, weight.begin, count) - weight.begin;
      const at::Tensor values = weight.master.view({-1}).narrow(0, weight.begin, own);
      weight.master = weight.leaf.scalar_type() == at::kFloat ? values : values.clone();
      // Also the parameters of the model refer to the master; this frees its memory.
      if (weight.parameter.master.defined()) weight.parameter.master.set_data(weight.master);
      if (!shard_.gradients) continue;
      const std::int64_t first = own > 0 ? weight.place + weight.begin - own_begin : 0;
      weight.gradient = own_gradients(bucket).narrow(0, first, own);
    }
  }
}

std::vector<std::int64_t> TrainedWeights::lay_out(const std::vector<std::int64_t>& elements) {
  const std::int64_t alignment = shard_.size > 1 ? kMomentBlock : kAlignment;
  const std::int64_t total = std::accumulate(elements.begin(), elements.end(), std::int64_t{0});
  const std::int64_t largest =
      std::min<std::int64_t>(kBucketBytes / static_cast<std::int64_t>(sizeof(float)), total / kFewestBuckets);
  std::int64_t size = 0;
  for (std::size_t i = elements.size(); i-- > 0;) {
    if (buckets_.empty() || size + elements[i] > largest) {
      buckets_.push_back({.first = i, .last = i + 1});
      size = 0;
    }
    buckets_.back().first = i;
    size += elements[i];
  }
  std::vector<std::int64_t> begins;
  std::int64_t next = 0;
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    bucket->begin = next;
    for (std::size_t i = bucket->first; i < bucket->last; ++i) {
      begins.push_back(next);
      next += padded(elements[i], alignment);
    }
    next = bucket->end = bucket->begin + padded(next - bucket->begin, alignment * shard_.size);
  }
  return begins;
}

std::pair<std::int64_t, std::int64_t> TrainedWeights::own_range(const Bucket& bucket) const {
  const std::int64_t part = (bucket.end - bucket.begin) / shard_.size;
  return {bucket.begin + shard_.rank * part, bucket.begin + (shard_.rank + 1) * part};
}

at::Tensor TrainedWeights::own_gradients(const Bucket& bucket) const {
  const auto [begin, end] = own_range(bucket);
  return gradients_.narrow(0, shard_.gradients ? bucket.begin / shard_.size : begin, end - begin);
}

std::vector<at::Tensor> TrainedWeights::own_gradients() const {
  if (shard_.size == 1 || shard_.gradients) return {gradients_};
  std::vector<at::Tensor> own;
  for (const Bucket& bucket : buckets_) own.push_back(own_gradients(bucket));
  return own;
}

void TrainedWeights::zero_gradients() {
  const at::NoGradGuard no_grad;
  gradients_.zero_();
  // mutable_grad() accepts a float32 gradient of a bfloat16 leaf; the setter of grad() would refuse it.
  for (const Weight& weight : weights_) weight.leaf.mutable_grad() = shard_.gradients ? at::Tensor() : weight.gradient;
}

void TrainedWeights::write_leaves() {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> leaves, masters;
  for (const Weight& weight : weights_) {
    if (weight.leaf.scalar_type() == at::kFloat) continue;  // the leaf is the master
    leaves.push_back(weight.own(weight.leaf));
    masters.push_back(weight.master);
  }
  if (!leaves.empty()) at::_foreach_copy_(leaves, masters);
}

bool TrainedWeights::lacks_masters() const {
  return shard_.size > 1 &&
         std::ranges::any_of(weights_, [](const Weight& weight) { return weight.leaf.scalar_type() != at::kFloat; });
}

NamedTensors TrainedWeights::file_tensors() const {
  check_argument(!lacks_masters() || held_masters_.size() == weights_.size(), "masters",
                 "hold_masters() before, in a shard", "none");
  NamedTensors result;
  std::size_t trained = 0;
  for (const Parameter& parameter : parameters_) {
    const bool frozen = !parameter.value.requires_grad();
    const at::Tensor values = frozen ? parameter.value : whole_master(trained++);
    for (auto& part : split_parts(parameter, values)) result.push_back(std::move(part));
  }
  return result;
}

at::Tensor TrainedWeights::whole_master(std::size_t weight) const {
  if (!held_masters_.empty()) return held_masters_[weight];
  return shard_.size > 1 ? weights_[weight].leaf.detach() : weights_[weight].master;
}

std::int64_t TrainedWeights::bytes() const {
  auto total = static_cast<std::int64_t>(gradients_.nbytes());
  for (const Weight& weight : weights_)
    if (weight.leaf.scalar_type() != at::kFloat) total += static_cast<std::int64_t>(weight.master.nbytes());
  return total;
}

}  // namespace rlhf
