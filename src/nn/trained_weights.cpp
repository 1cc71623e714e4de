// Allocation, rounding and naming of trained weights.
#include "rlhf/nn/trained_weights.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/check_shape.h"

#include "nn/shard_layout.h"

namespace rlhf {
namespace {

constexpr std::int64_t kAlignment = 16;  // elements; the gradient of each weight begins at a cache line
constexpr std::int64_t kBucketBytes = 25 << 20, kFewestBuckets = 8;

/// The float32 values from which the leaf was rounded, if the file had them, otherwise those of the leaf.
at::Tensor master_of(const Parameter& parameter) {
  return parameter.master.defined() ? parameter.master : parameter.value.detach().to(at::kFloat);
}

bool is_trained(const Parameter& parameter, bool supplied) {
  check_floating(parameter.value, parameter.name);
  if (!supplied && parameter.master.defined() && parameter.master.sizes() != parameter.value.sizes())
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

TrainedWeights::TrainedWeights(const Parameters& parameters, Shard shard, const WeightSupply* supply)
    : parameters_(parameters), shard_(shard), supply_(shard.size > 1 ? supply : nullptr) {
  check_argument(shard.size >= 1 && shard.rank >= 0 && shard.rank < shard.size, "shard", "a rank below its size",
                 shard.rank);
  if (shard_.size == 1) shard_ = {};
  if (supply_ != nullptr)
    check_argument(shard_.gradients && supply_->keeping().size == shard_.size && supply_->keeping().rank == shard_.rank,
                   "supply", "one that is divided as the gradients are", "another one");
  for (const Parameter& parameter : parameters_) {
    const bool supplied = unit_of(parameter.value) != nullptr;
    if (!is_trained(parameter, supplied)) continue;
    weights_.push_back({.parameter = parameter, .leaf = parameter.value});
    if (!supplied) weights_.back().master = master_of(parameter);
  }
  check_argument(!weights_.empty(), "parameters", "at least one weight that requires a gradient", "none");
  choose_buckets();
  lay_out();
  const std::int64_t kept = buckets_.front().end / (shard_.gradients ? shard_.size : 1);
  gradients_ = at::zeros({kept}, parameters_.front().value.options().dtype(at::kFloat).requires_grad(false));
  for (Bucket& bucket : buckets_) {
    if (shard_.size > 1 && unit_of(weights_[bucket.first].leaf) == nullptr) lay_out_leaves(bucket);
    for (std::size_t i = bucket.first; i < bucket.last; ++i) keep_own_elements(bucket, weights_[i]);
  }
  zero_gradients();
}

void TrainedWeights::lay_out_leaves(Bucket& bucket) {
  std::vector<at::Tensor> leaves;
  std::vector<std::int64_t> places;
  for (std::size_t i = bucket.first; i < bucket.last; ++i) {
    leaves.push_back(weights_[i].leaf);
    places.push_back(weights_[i].place - bucket.begin);
  }
  bucket.leaves = rlhf::lay_out_leaves(leaves, places, bucket.end - bucket.begin);
}

const WeightSupply::Unit* TrainedWeights::unit_of(const at::Tensor& leaf) const {
  return supply_ != nullptr ? supply_->find(leaf) : nullptr;
}

void TrainedWeights::keep_own_elements(const Bucket& bucket, Weight& weight) const {
  const std::int64_t elements = weight.leaf.numel(), place = weight.place - bucket.begin;
  if (!shard_.gradients) weight.gradient = gradients_.narrow(0, weight.place, elements).view(weight.leaf.sizes());
  weight.part = weight.leaf.detach();
  if (shard_.size == 1) return;
  const OwnPart own = own_part(bucket);
  const auto [begin, count] = own.of(place, elements);
  const std::int64_t place_in_part = count > 0 ? place + begin - own.begin() : 0;
  weight.begin = begin;
  if (shard_.gradients) weight.gradient = own_gradients(bucket).narrow(0, place_in_part, count);
  if (const WeightSupply::Unit* const unit = unit_of(weight.leaf)) {
    weight.part = unit->own.narrow(0, place_in_part, count);
    weight.master = weight.parameter.master.defined() ? weight.parameter.master : weight.part.to(at::kFloat);
    return;
  }
  weight.part = weight.part.view({-1}).narrow(0, begin, count);
  if (weight.leaf.scalar_type() == at::kFloat) {
    weight.master = weight.part;
    return;
  }
  weight.master = weight.master.view({-1}).narrow(0, begin, count).clone();
  // Also the parameters of the model refer to the master; this frees its memory.
  if (weight.parameter.master.defined()) weight.parameter.master.set_data(weight.master);
}

void TrainedWeights::choose_buckets() {
  std::int64_t total = 0, size = 0;
  for (const Weight& weight : weights_) total += weight.leaf.numel();
  const std::int64_t largest =
      std::min<std::int64_t>(kBucketBytes / static_cast<std::int64_t>(sizeof(float)), total / kFewestBuckets);
  const auto fit = [&](const Weight& weight, const Weight& next) {
    const auto* const unit = unit_of(weight.leaf);
    if (unit != unit_of(next.leaf) || weight.leaf.scalar_type() != next.leaf.scalar_type()) return false;
    return unit != nullptr || size + weight.leaf.numel() <= largest;
  };
  for (std::size_t i = weights_.size(); i-- > 0;) {
    const Weight& weight = weights_[i];
    if (buckets_.empty() || !fit(weight, weights_[i + 1])) {
      buckets_.push_back({.last = i + 1, .layer = weight.parameter.layer});
      size = 0;
    }
    buckets_.back().first = i;
    buckets_.back().layer = std::min(buckets_.back().layer, weight.parameter.layer);
    size += weight.leaf.numel();
  }
}

void TrainedWeights::lay_out() {
  const std::int64_t alignment = shard_.size > 1 ? kShardAlignment : kAlignment;
  std::int64_t next = 0;
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    bucket->begin = next;
    for (std::size_t i = bucket->first; i < bucket->last; ++i) {
      weights_[i].place = next;
      next += padded(weights_[i].leaf.numel(), alignment);
    }
    next = bucket->end = bucket->begin + padded(next - bucket->begin, alignment * shard_.size);
    const Weight& first = weights_[bucket->first];
    const WeightSupply::Unit* const unit = unit_of(first.leaf);
    check_argument(unit == nullptr || unit->leaves.size() == bucket->last - bucket->first, first.parameter.name,
                   "all weights of its unit trained, or none", "some");
  }
}

OwnPart TrainedWeights::own_part(const Bucket& bucket) const {
  return {shard_.rank, shard_.size, bucket.end - bucket.begin};
}

at::Tensor TrainedWeights::own_gradients(const Bucket& bucket) const {
  const OwnPart own = own_part(bucket);
  const std::int64_t begin = shard_.gradients ? bucket.begin / shard_.size : bucket.begin + own.begin();
  return gradients_.narrow(0, begin, own.count());
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
    leaves.push_back(weight.part);
    masters.push_back(weight.master);
  }
  if (!leaves.empty()) at::_foreach_copy_(leaves, masters);
}

bool TrainedWeights::divides_masters(const Bucket& bucket) const {
  const at::Tensor& leaf = weights_[bucket.first].leaf;
  return shard_.size > 1 && (leaf.scalar_type() != at::kFloat || unit_of(leaf) != nullptr);
}

at::Tensor TrainedWeights::gather_masters(const Bucket& bucket, const GatherParts& gather) const {
  check_argument(gather != nullptr, "gather", "a function, in a shard", "none");
  const at::Tensor all = at::zeros({bucket.end - bucket.begin}, weights_[bucket.first].master.options());
  for (std::size_t i = bucket.first; i < bucket.last; ++i) {
    const Weight& weight = weights_[i];
    all.narrow(0, weight.place - bucket.begin + weight.begin, weight.master.numel()).copy_(weight.master);
  }
  gather(all);
  return all;
}

void TrainedWeights::give_file_tensors(const GatherParts& gather, const TensorStream::Take& take) const {
  auto bucket = buckets_.rbegin();  // the one with the first weight
  at::Tensor masters;
  std::size_t trained = 0;
  const auto master_of_next = [&] {
    const Weight& weight = weights_[trained];
    if (trained == bucket->first) masters = divides_masters(*bucket) ? gather_masters(*bucket, gather) : at::Tensor();
    const at::Tensor whole = masters.defined() ? masters.narrow(0, weight.place - bucket->begin, weight.leaf.numel())
                                               : (shard_.size > 1 ? weight.leaf.detach() : weight.master);
    if (++trained == bucket->last) ++bucket;
    return whole.view(weight.leaf.sizes());
  };
  for (const Parameter& parameter : parameters_) {
    const at::Tensor values = parameter.value.requires_grad() ? master_of_next() : parameter.value;
    for (const auto& [name, tensor] : split_parts(parameter, values)) take(tensor);
  }
}

TensorStream TrainedWeights::file_tensors(const GatherParts& gather) const {
  NamedTensors described;
  for (const Parameter& parameter : parameters_) {
    const at::ScalarType dtype = parameter.value.requires_grad() ? at::kFloat : parameter.value.scalar_type();
    const at::Tensor like = at::empty(parameter.value.sizes(), at::TensorOptions(dtype).device(at::kMeta));
    for (auto& part : split_parts(parameter, like)) described.push_back(std::move(part));
  }
  return {std::move(described), [this, gather](const TensorStream::Take& take) { give_file_tensors(gather, take); }};
}

std::int64_t TrainedWeights::bytes() const {
  auto total = static_cast<std::int64_t>(gradients_.nbytes());
  for (const Weight& weight : weights_)
    if (weight.leaf.scalar_type() != at::kFloat) total += static_cast<std::int64_t>(weight.master.nbytes());
  return total;
}

}  // namespace rlhf
