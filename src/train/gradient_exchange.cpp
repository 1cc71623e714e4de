// Gradients leave in buckets while the backward pass goes on.
#include "gradient_exchange.h"

#include <stdexcept>
#include <utility>

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

void GradientExchange::expect_last_backward() {
  missing_.clear();
  for (const auto& bucket : weights_.buckets()) missing_.push_back(bucket.last - bucket.first);
  expecting_ = true;
}

void GradientExchange::complete(std::size_t weight) {
  if (!expecting_) return;
  std::size_t& missing = missing_[bucket_of_[weight]];
  if (missing == 0 || bucket_of_[weight] < sent_.size())
    throw std::logic_error("gradient of " + weights_.weights()[weight].parameter.name +
                           ": expected once in the last backward pass of a step, found twice");
  --missing;
  while (sent_.size() < missing_.size() && missing_[sent_.size()] == 0) send_next();
}

void GradientExchange::send_next() {
  const auto& bucket = weights_.buckets()[sent_.size()];
  const at::Tensor gradients = weights_.gradients().narrow(0, bucket.begin, bucket.end - bucket.begin);
  sent_.push_back(weights_.shard().size > 1 ? ranks_.start_sum_of_parts(gradients, "gradients")
                                            : ranks_.start_sum(gradients, "gradients"));
}

void GradientExchange::send_rest() {
  expecting_ = false;
  while (sent_.size() < weights_.buckets().size()) send_next();
}

void GradientExchange::finish() {
  send_rest();
  for (const Ranks::Wait& wait : std::exchange(sent_, {})) wait();
}

}  // namespace rlhf
