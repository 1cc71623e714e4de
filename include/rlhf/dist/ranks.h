#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/core/rank_place.h"

namespace rlhf {

struct RanksOptions {
  std::chrono::milliseconds patience{15'000};        ///< a rank that shows no sign of life for so long has failed
  std::chrono::milliseconds join_patience{120'000};  ///< how long the first ranks wait for the last one
  /// Called by the watching thread. Default: logs the line and ends the process with ExitCode::rank.
  std::function<void(const std::string&)> on_failure;
};

/// The ranks of a run, each a process. A single process is the simplest case: then every function returns what it was
/// given. All ranks must call the same functions in the same order.
///
/// A rank that ends, hangs or cannot be reached ends the others: a thread of each rank watches the others, and calls
/// `on_failure` with one line that names the rank and what this rank was doing. An exception of a function below is a
/// RankError, which the failure of another rank explains in the same way.
///
/// Tensors on the CPU and on the rank's CUDA GPU can be exchanged. An exchange on a GPU is queued on a stream of its
/// own, behind what the current stream has been given. Its wait lets the current stream wait, and not the host:
/// operators that follow see the result, and the host reads it with `.cpu()` or `.item()`, as ever.
class Ranks {
 public:
  /// A single process.
  Ranks();
  /// Waits until all ranks are there. Throws RankError if they do not come, Interrupted after a signal, and ConfigError
  /// if `place` cannot be.
  explicit Ranks(const RankPlace& place, const RanksOptions& options = {});
  /// Says to the others that the work of this rank is done, or why it ends (report_failure); rank 0 waits for them.
  ~Ranks();
  Ranks(Ranks&&) noexcept;
  Ranks& operator=(Ranks&&) noexcept;

  int rank() const { return place_.rank; }
  int size() const { return place_.size; }
  int local_size() const { return place_.local_size; }  ///< those on this machine
  const RankPlace& place() const { return place_; }
  bool is_first() const { return rank() == 0; }

  /// Sums `values` (float32, float64 or int64, contiguous) over all ranks, in place. The result has the same bits on
  /// all ranks, and on a CPU also in every run. `what` is for messages: "gradients".
  void sum(const at::Tensor& values, const std::string& what) const;
  void sum(std::span<double> values, const std::string& what) const;
  /// Waits for the end of an exchange that was started; on a GPU, lets the current stream wait.
  using Wait = std::function<void()>;
  /// Starts a sum that goes on while this rank computes. `values` must not be used before the wait.
  Wait start_sum(const at::Tensor& values, const std::string& what) const;
  /// Starts to add up parts: `values` are [size · s] of any floating dtype, and the wait adds to `total`, [s] float32,
  /// the s elements of this rank from all ranks, in float32. `total` may be those elements of `values` itself; then
  /// those of the others are added. On a CPU the sum has the same bits in every run. Neither must be used before the
  /// wait, after which what else is in `values` is undefined.
  Wait start_sum_of_parts(const at::Tensor& values, const at::Tensor& total, const std::string& what) const;
  /// Gives all ranks the parts of all: `values` are [size · s], of any dtype, and the s elements of this rank are
  /// there. The other elements must not be used before the wait.
  Wait start_gather_parts(const at::Tensor& values, const std::string& what) const;
  /// The texts of all ranks, by rank.
  std::vector<std::string> gather(const std::string& text, const std::string& what) const;
  /// The time that the host has spent in exchanges and waits, which is mostly that of waiting for others. What a GPU
  /// waits is not in it.
  double seconds_exchanging() const;
  /// The bytes of tensors that this rank has been given to send, by the formulas of rings: 2·(n−1)/n of the bytes of a
  /// sum, (n−1)/n of those of a sum of parts and of gathered parts.
  double bytes_sent() const;
  /// Says for messages what happens from now on: "step 12".
  void set_phase(const std::string& phase) const;
  /// Says why this rank ends; the others hear of it when this object goes.
  void report_failure(const std::string& reason) const;

 private:
  class Group;
  RankPlace place_;
  std::unique_ptr<Group> group_;  ///< null for a single process
};

/// A single process.
const Ranks& one_rank();

}  // namespace rlhf
