#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlhf {

/// Which samples belong to which optimizer step. Each epoch has its own permutation, a function of (seed, epoch), which
/// is cut into batches; the last batch of an epoch may be smaller. `batch(step)` is a pure function, so a resumed run
/// needs only its step number. Errors: ArgumentError.
class BatchOrder {
 public:
  /// If `shuffle` is false, every epoch has the order of the data.
  BatchOrder(std::size_t num_samples, std::int64_t batch_size, std::uint64_t seed, bool shuffle = true);
  std::int64_t steps_per_epoch() const;
  /// The indices of the samples of step `step` (0-based).
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
