// Gradients, masters and weights of the ranks of a run.
#include "rlhf/train/trainee.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "rlhf/core/error.h"

#include "gradient_exchange.h"

namespace rlhf {

namespace {

Shard shard_of(Sharding sharding, const Ranks& ranks) {
  if (sharding == Sharding::none) return {};
  return {ranks.rank(), ranks.size(), /*gradients=*/sharding >= Sharding::gradients};
}

}  // namespace

WeightKeeping keep_parts(const Ranks& ranks, bool whole) {
  if (ranks.size() == 1) return {};
  const auto any = [&ranks](bool own) {
    const at::Tensor count = at::full({1}, own ? 1 : 0, at::kLong);
    ranks.sum(count, "passes");
    return count.item<std::int64_t>() > 0;
  };
  return {.rank = ranks.rank(),
          .size = ranks.size(),
          .whole = whole,
          .gather = [&ranks](const at::Tensor& weights) { return ranks.start_gather_parts(weights, "weights"); },
          .any = any};
}

Trainee::Trainee(const Parameters& parameters, const OptimizerOptions& options, const Ranks& ranks, Sharding sharding,
                 CausalLM* model)
    : ranks_(ranks),
      supply_(model != nullptr ? model->supply() : nullptr),
      gate_(model != nullptr ? model->gate() : nullptr),
      weights_(std::make_unique<TrainedWeights>(parameters, shard_of(sharding, ranks), supply_.get())),
      optimizer_(std::make_unique<AdamW>(*weights_, options)),
      exchange_(std::make_unique<GradientExchange>(*weights_, ranks)) {}

Trainee::~Trainee() = default;
Trainee::Trainee(Trainee&&) noexcept = default;

void Trainee::begin_pass(bool last) {
  if (ranks_.size() > 1) exchange_->begin_pass(last);
  if (supply_)
    supply_->begin_training([exchange = exchange_.get()](std::int64_t layer) { exchange->send_above(layer); });
}

void Trainee::end_passes(std::int64_t more, bool last) {
  if (ranks_.size() == 1) return;
  exchange_->end_passes(last);
  for (; more > 0 && weights_->shard().gradients; --more) {
    begin_pass(last);
    if (supply_) supply_->run_empty_pass();
    exchange_->end_passes(last);
  }
}

void Trainee::sum_gradients() {
  if (supply_) supply_->end_training();
  if (ranks_.size() > 1) exchange_->finish();
}

at::Tensor Trainee::sum_of_squares() const {
  at::Tensor squares = optimizer_->sum_of_squares();
  if (weights_->shard().size > 1) ranks_.sum(squares, "the gradient norm");
  return squares;
}

at::Tensor Trainee::step(double lr) {
  wait_for_weights();
  const at::Tensor norm = optimizer_->step(lr, sum_of_squares());
  if (weights_->shard().size > 1) gather_leaves();
  return norm;
}

double Trainee::take_step(double lr, const std::string& name, std::int64_t step_number) {
  sum_gradients();
  const double norm = step(lr).item<double>();
  check_gradient_norm(norm, name, step_number);
  return norm;
}

void Trainee::wait_for_weights() { gate().finish(); }

void Trainee::write_leaves() {
  wait_for_weights();
  weights_->write_leaves();
  if (weights_->shard().size > 1) gather_leaves();
}

// Those that the next pass reads first begin first.
void Trainee::gather_leaves() {
  std::vector<const TrainedWeights::Bucket*> buckets;
  for (const auto& bucket : weights_->buckets())
    if (bucket.leaves.defined()) buckets.push_back(&bucket);
  std::ranges::stable_sort(buckets, {}, &TrainedWeights::Bucket::layer);
  for (const auto* const bucket : buckets)
    gate().expect(bucket->layer, ranks_.start_gather_parts(bucket->leaves, "weights"));
  if (gate_ == nullptr) wait_for_weights();
}

TensorStream Trainee::file_tensors() {
  wait_for_weights();
  return weights_->file_tensors([this](const at::Tensor& values) { ranks_.start_gather_parts(values, "masters")(); });
}

void check_gradient_norm(double norm, const std::string& name, std::int64_t step) {
  if (std::isfinite(norm)) return;
  throw NumericsError("step " + std::to_string(step + 1) + ": expected a finite gradient norm of the " + name +
                      ", found " + std::to_string(norm) + "; this update was not made; hint: lower the learning rate");
}

}  // namespace rlhf
