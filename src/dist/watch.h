#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace rlhf {

/// Shows this rank's life in the store and looks for that of the others, in threads of its own. A rank looks at the
/// next one that is there, so that the store has few requests of each; whoever fails, a rank before them finds it. The
/// first failure that any rank finds or has is written to the store, and all others report this one: one failure causes
/// more, whose order is chance.
class Watch {
 public:
  using OnFailure = std::function<void(const std::string&)>;

  /// `store` has a connection of its own, because a call may wait for another one on the same connection. This rank has
  /// shown life when the constructor returns; others may come later, at any time. Errors: those of the store.
  Watch(c10::intrusive_ptr<c10d::Store> store, int rank, int size, std::chrono::milliseconds patience,
        OnFailure on_failure);
  ~Watch();

  /// What this rank does: "gradients of step 12".
  void set_activity(const std::string& activity);
  std::string activity() const;
  /// This rank ends by an error of its own: failures of others, which often have the same error, are reported only if
  /// it has not ended some seconds later.
  void expect_end() { ending_ = true; }
  enum class Why { own, another };
  /// Tells the others that this rank ends, and why; empty: its work is done. A reason that `another` rank has caused is
  /// reported only if nobody finds that rank.
  void leave(const std::string& reason, Why why = Why::own);
  /// An exchange failed, so another rank has probably ended: waits until a watch finds which, and lets all take less
  /// patience. Returns the failure, or "".
  std::string find_failure();
  /// Whether this rank, which leaves, has seen that all others have left.
  bool all_left() const { return all_left_; }
  /// Whether another rank has shown life.
  bool is_here(int rank) const;

 private:
  /// The rank that this one looks at.
  struct Neighbour {
    int rank = -1;
    std::string beat;
    std::chrono::steady_clock::time_point seen;
  };

  /// What others report if they find no cause.
  struct Consequence {
    std::string text;
    std::chrono::steady_clock::time_point due;
  };

  void show_life();
  /// Shows life and looks at the others.
  void run();
  /// Returns a failure, or "".
  std::string look();
  /// The next rank that is there and has not left, or -1.
  int next_rank();
  std::string look_at_next();
  void be_impatient();
  /// Finds out that a call of the store does not return: its process may be there and hang.
  void watch_store();
  void fail(const std::string& what);
  /// Sets `flag` and wakes the threads.
  void set(std::atomic<bool>& flag);

  const c10::intrusive_ptr<c10d::Store> store_;
  const int rank_, size_;
  std::atomic<std::chrono::milliseconds> patience_;
  const OnFailure on_failure_;
  Neighbour next_;
  std::vector<bool> left_;  ///< by rank: those that were seen to leave
  std::optional<Consequence> consequence_;
  std::int64_t beats_ = 0;
  mutable std::mutex mutex_;
  std::string activity_ = "the start", failure_;
  std::atomic<bool> ended_ = false, failed_ = false, ending_ = false, leaving_ = false, told_ = false;
  std::atomic<std::chrono::steady_clock::time_point> answered_;  ///< when the store did last
  std::atomic<bool> all_left_ = false;
  std::condition_variable changed_;  ///< of ended_ and leaving_, which change under mutex_
  std::thread thread_, store_thread_;
};

}  // namespace rlhf
