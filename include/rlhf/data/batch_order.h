#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlhf {

/// The samples of optimizer step `step` (0-based): the data is shuffled anew each epoch from (seed, epoch) and cut into
/// batches; the last batch of an epoch may be smaller. A pure function, so a resumed run needs only its step.
class BatchOrder {
 public:
  /// `shuffle` false: in the order of the data, every epoch.
  BatchOrder(std::size_t num_samples, std::int64_t batch_size, std::uint64_t seed, bool shuffle = true);
  std::int64_t steps_per_epoch() const;
  std::vector<std::size_t> batch(std::int64_t step) const;

 private:
  std::size_t num_samples_;
  std::int64_t batch_size_;
  std::uint64_t seed_;
  bool shuffle_;
  mutable std::int64_t epoch_ = -1;
  mutable std::vector<std::size_t> order_;
};

}  // namespace rlhf
