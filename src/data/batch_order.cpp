// The order of samples over epochs and steps.
#include "rlhf/data/batch_order.h"

#include <algorithm>
#include <numeric>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/random.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kShuffleStream = 0x5368756666;  // distinct from the other streams of the run's seed

}  // namespace

BatchOrder::BatchOrder(std::size_t num_samples, std::int64_t batch_size, std::uint64_t seed, bool shuffle)
    : num_samples_(num_samples), batch_size_(batch_size), seed_(seed), shuffle_(shuffle) {
  check_argument(num_samples > 0, "num_samples", "at least 1", num_samples);
  check_argument(batch_size > 0, "batch_size", "at least 1", batch_size);
}

std::int64_t BatchOrder::steps_per_epoch() const {
  return (static_cast<std::int64_t>(num_samples_) + batch_size_ - 1) / batch_size_;
}

std::vector<std::size_t> BatchOrder::batch(std::int64_t step) const {
  check_argument(step >= 0, "step", "at least 0", step);
  const std::int64_t epoch = step / steps_per_epoch();
  if (epoch != epoch_) {
    if (shuffle_) {
      order_ =
          random_permutation(num_samples_, seed_, random_stream(kShuffleStream, static_cast<std::uint64_t>(epoch)));
    } else {
      order_.resize(num_samples_);
      std::iota(order_.begin(), order_.end(), 0);
    }
    epoch_ = epoch;
  }
  const std::int64_t begin = step % steps_per_epoch() * batch_size_;
  const std::int64_t end = std::min(begin + batch_size_, static_cast<std::int64_t>(num_samples_));
  return {order_.begin() + begin, order_.begin() + end};
}

}  // namespace rlhf
