// Gradients leave in buckets while the backward pass goes on.
#include "gradient_exchange.h"

#include <stdexcept>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

namespace rlhf {

/// Runs when autograd has added everything to the gradient of a weight.
class GradientExchange::Hook final : public torch::autograd::FunctionPostHook {
 public:
  Hook(std::weak_ptr<GradientExchange*> exchange, std::size_t weight)
      : exchange_(std::move(exchange)), weight_(weight) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list& /*inputs*/) override {
    if (const auto exchange = exchange_.lock()) (*exchange)->complete(weight_);
    return outputs;
  }

 private:
  const std::weak_ptr<GradientExchange*> exchange_;  ///< a graph may keep the accumulator, and this, for longer
  const std::size_t weight_;
};

GradientExchange::GradientExchange(const TrainedWeights& weights, const Ranks& ranks)
    : weights_(weights),
      ranks_(ranks),
      bucket_of_(weights.weights().size()),
      collected_(weights.buckets().size()),
      self_(std::make_shared<GradientExchange*>(this)) {
  const auto& buckets = weights.buckets();
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket)
    for (std::size_t weight = buckets[bucket].first; weight < buckets[bucket].last; ++weight)
      bucket_of_[weight] = bucket;
  if (ranks.size() == 1) return;
  for (std::size_t weight = 0; weight < bucket_of_.size(); ++weight) {
    accumulators_.push_back(torch::autograd::impl::grad_accumulator(weights.weights()[weight].leaf));
    accumulators_.back()->add_post_hook(std::make_unique<Hook>(self_, weight));
  }
}

GradientExchange::~GradientExchange() = default;

void GradientExchange::begin_pass(bool last) {
  if (in_each_pass()) {
    if (expecting_) send_rest();  // of the pass before
    next_ = 0;
  } else if (!last) {
    return;
  }
  missing_.clear();
  for (const auto& bucket : weights_.buckets()) missing_.push_back(bucket.last - bucket.first);
  expecting_ = true;
}

void GradientExchange::complete(std::size_t weight) {
  if (!expecting_) return;
  std::size_t& missing = missing_[bucket_of_[weight]];
  if (missing == 0 || bucket_of_[weight] < next_)
    throw std::logic_error("gradient of " + weights_.weights()[weight].parameter.name +
                           ": expected once in a backward pass whose gradients are sent, found twice");
  if (in_each_pass()) take_gradient(weight);
  --missing;
  while (next_ < num_buckets() && missing_[next_] == 0) send_next();
}

void GradientExchange::take_gradient(std::size_t weight) {
  const at::NoGradGuard no_grad;
  const auto& taken = weights_.weights()[weight];
  at::Tensor& gradient = taken.leaf.mutable_grad();
  if (!gradient.defined()) return;
  const auto& bucket = weights_.buckets()[bucket_of_[weight]];
  at::Tensor& all = collected_[bucket_of_[weight]];
  if (!all.defined()) all = at::zeros({bucket.end - bucket.begin}, weights_.gradients().options());
  all.narrow(0, taken.place - bucket.begin, taken.leaf.numel()).copy_(gradient.reshape({-1}));
  gradient.reset();
}

void GradientExchange::check_taken() const {
  for (const auto& weight : weights_.weights())
    if (weight.leaf.grad().defined())
      throw std::logic_error("gradient of " + weight.parameter.name +
                             ": expected begin_pass() before each backward pass, with divided gradients, found none");
}

void GradientExchange::send_next() {
  constexpr std::size_t kMostOnTheirWay = 2;  // more would hold the memory that the shard saves
  const auto& bucket = weights_.buckets()[next_];
  const std::int64_t size = bucket.end - bucket.begin;
  if (!in_each_pass()) {
    const at::Tensor gradients = weights_.gradients().narrow(0, bucket.begin, size);
    sent_.push_back({weights_.shard().size > 1 ? ranks_.start_sum_of_parts(gradients, "gradients")
                                               : ranks_.start_sum(gradients, "gradients"),
                     gradients, next_++});
    return;
  }
  while (sent_.size() >= kMostOnTheirWay) receive_first();
  at::Tensor gradients = std::exchange(collected_[next_], at::Tensor());
  if (!gradients.defined()) gradients = at::zeros({size}, weights_.gradients().options());
  sent_.push_back({ranks_.start_sum_of_parts(gradients, "gradients"), gradients, next_++});
}

void GradientExchange::send_rest() {
  expecting_ = false;
  while (next_ < num_buckets()) send_next();
}

void GradientExchange::receive_first() {
  const Sent first = std::move(sent_.front());
  sent_.pop_front();
  first.wait();
  if (!in_each_pass()) return;
  const at::Tensor own = weights_.own_gradients(weights_.buckets()[first.bucket]);
  own.add_(first.gradients.narrow(0, ranks_.rank() * own.numel(), own.numel()));
}

void GradientExchange::end_passes(bool last) {
  if (in_each_pass() ? expecting_ : last) send_rest();
}

void GradientExchange::send_above(std::int64_t layer) {
  if (!expecting_) return;
  while (next_ < num_buckets() && weights_.buckets()[next_].layer > layer) send_next();
}

void GradientExchange::finish() {
  if (in_each_pass())
    check_taken();
  else
    send_rest();
  while (!sent_.empty()) receive_first();
  next_ = 0;
}

}  // namespace rlhf
