#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "rlhf/dist/ranks.h"
#include "rlhf/nn/trained_weights.h"

namespace rlhf {

/// Sums gradients over the ranks, bucket by bucket in the same order on all of them.
class GradientExchange {
 public:
  GradientExchange(const TrainedWeights& weights, const Ranks& ranks);
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;
  ~GradientExchange();

  /// The next backward pass is the last one of the step: each bucket is sent when its gradients are complete.
  void expect_last_backward();
  /// Sends what has not been sent.
  void send_rest();
  /// Does that, and waits for all sums.
  void finish();

 private:
  class Hook;
  using Accumulator = decltype(torch::autograd::impl::grad_accumulator(at::Tensor()));

  /// The gradient of a weight is complete.
  void complete(std::size_t weight);
  void send_next();

  const TrainedWeights& weights_;
  const Ranks& ranks_;
  std::vector<std::size_t> bucket_of_;  ///< of each weight
  std::vector<std::size_t> missing_;    ///< of each bucket: weights whose gradients are not complete
  std::vector<Ranks::Wait> sent_;
  bool expecting_ = false;
  /// They keep the hooks, which refer to this.
  std::vector<Accumulator> accumulators_;
  std::shared_ptr<GradientExchange*> self_;
};

}  // namespace rlhf
