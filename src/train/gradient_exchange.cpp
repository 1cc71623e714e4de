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
  if (!all.defined()) all = no_gradients(bucket);
  all.narrow(0, taken.place - bucket.begin, taken.leaf.numel()).copy_(gradient.reshape({-1}));
  gradient.reset();
}

// Ranks add up numbers of any dtype in float32 on a CPU; elsewhere they are sent in float32 for that.
at::Tensor GradientExchange::no_gradients(const TrainedWeights::Bucket& bucket) const {
  const at::Tensor& leaf = weights_.weights()[bucket.first].leaf;
  return at::zeros({bucket.end - bucket.begin}, leaf.options().dtype(leaf.is_cpu() ? leaf.scalar_type() : at::kFloat));
}

void GradientExchange::check_taken() const {
  for (const auto& weight : weights_.weights())
    if (weight.leaf.grad().defined())
      throw std::logic_error("gradient of " + weight.parameter.name +
                             ": expected begin_pass() before each backward pass, with divided gradients, found none");
}

void GradientExchange::send_next() {
  const auto& bucket = weights_.buckets()[next_];
  if (weights_.shard().size == 1) {
    sent_.push_back({ranks_.start_sum(all_gradients(bucket), "gradients"), 0});
  } else {
    const at::Tensor gradients = gradients_to_divide(next_);
    make_room(static_cast<std::int64_t>(gradients.nbytes()));
    sent_.push_back({ranks_.start_sum_of_parts(gradients, weights_.own_gradients(bucket), "gradients"),
                     static_cast<std::int64_t>(gradients.nbytes())});
  }
  bytes_under_way_ += sent_.back().bytes;
  ++next_;
}

// What is received of parts needs memory of its own, and with divided gradients also what is sent; so not all of them
// can be on their way. With too few a rank often waits for another one.
void GradientExchange::make_room(std::int64_t bytes) {
  while (sent_.size() >= 2 && bytes_under_way_ + bytes > kMostBytesUnderWay) receive_first();
}

at::Tensor GradientExchange::all_gradients(const TrainedWeights::Bucket& bucket) const {
  return weights_.gradients().narrow(0, bucket.begin, bucket.end - bucket.begin);
}

at::Tensor GradientExchange::gradients_to_divide(std::size_t index) {
  const auto& bucket = weights_.buckets()[index];
  if (!in_each_pass()) return all_gradients(bucket);
  return collected_[index].defined() ? std::exchange(collected_[index], at::Tensor()) : no_gradients(bucket);
}

void GradientExchange::send_rest() {
  expecting_ = false;
  while (next_ < num_buckets()) send_next();
}

void GradientExchange::receive_first() {
  const Sent first = std::move(sent_.front());
  sent_.pop_front();
  bytes_under_way_ -= first.bytes;
  first.wait();
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
