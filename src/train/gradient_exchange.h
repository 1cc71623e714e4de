#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/variable.h>

#include "rlhf/dist/ranks.h"
#include "rlhf/nn/trained_weights.h"

namespace rlhf {

/// In a shard, gradients of at most so many bytes, or of two buckets, are on their way.
inline constexpr std::int64_t kMostBytesUnderWay = 100 << 20;

/// Sums gradients over the ranks, bucket by bucket in the same order on all of them: once for each step, or, in a shard
/// of gradients, in each backward pass, whose sums are added to the own gradients.
class GradientExchange {
 public:
  GradientExchange(const TrainedWeights& weights, const Ranks& ranks);
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;
  ~GradientExchange();

  /// See Trainee.
  void begin_pass(bool last);
  void end_passes(bool last);
  /// In a pass whose sums are exchanged: the gradients of the layers after this one are complete.
  void send_above(std::int64_t layer);
  /// Sends what has not been sent, and waits for all sums.
  void finish();

 private:
  class Hook;
  using Accumulator = decltype(torch::autograd::impl::grad_accumulator(at::Tensor()));

  /// A sum that is on its way. `bytes`: those of its gradients, in a shard; else 0.
  struct Sent {
    Ranks::Wait wait;
    std::int64_t bytes;
  };

  /// The gradient of a weight is complete.
  void complete(std::size_t weight);
  /// Moves the gradient of a pass from the leaf to its bucket.
  void take_gradient(std::size_t weight);
  /// Throws std::logic_error if a gradient was added outside of the passes that this knows of.
  void check_taken() const;
  void send_next();
  void make_room(std::int64_t bytes);
  at::Tensor all_gradients(const TrainedWeights::Bucket& bucket) const;
  /// What is sent for a bucket in a shard.
  at::Tensor gradients_to_divide(std::size_t index);
  at::Tensor no_gradients(const TrainedWeights::Bucket& bucket) const;  ///< zeros to collect the gradients of a pass in
  void send_rest();
  void receive_first();
  std::size_t num_buckets() const { return weights_.buckets().size(); }
  bool in_each_pass() const { return weights_.shard().gradients; }

  const TrainedWeights& weights_;
  const Ranks& ranks_;
  std::vector<std::size_t> bucket_of_;  ///< of each weight
  std::vector<std::size_t> missing_;    ///< of each bucket: weights whose gradients are not complete
  std::vector<at::Tensor> collected_;   ///< of each bucket, in a shard of gradients: those of this pass
  std::size_t next_ = 0;                ///< the bucket to send next
  std::deque<Sent> sent_;
  std::int64_t bytes_under_way_ = 0;  ///< of sent_
  bool expecting_ = false;
  /// They keep the hooks, which refer to this.
  std::vector<Accumulator> accumulators_;
  std::shared_ptr<GradientExchange*> self_;
};

}  // namespace rlhf
