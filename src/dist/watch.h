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

/// Shows this rank's life in the store and looks for that of the others, in threads of its own. The first failure that
/// any rank finds or has is written to the store, and all others report this one: one failure causes more, whose order
/// is chance.
class Watch {
 public:
  using OnFailure = std::function<void(const std::string&)>;

  /// `store` has a connection of its own, because a call may wait for another one on the same connection.
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
  /// An exchange failed, so another rank has probably ended: waits until the watch finds which, and lets it take less
  /// patience. Returns the failure, or "".
  std::string find_failure();
  /// Whether all other ranks have left.
  bool all_left() const { return left_ == static_cast<int>(others_.size()); }

 private:
  struct Other {
    int rank;
    std::string beat;
    std::chrono::steady_clock::time_point seen;
    bool left = false;
  };

  /// What others report if they find no cause.
  struct Consequence {
    std::string text;
    std::chrono::steady_clock::time_point due;
  };

  /// Shows life and looks at the others.
  void run();
  /// Returns a failure, or "".
  std::string look();
  std::string look_at(Other& other);
  /// Finds out that a call of the store does not return: its process may be there and hang.
  void watch_store();
  void fail(const std::string& what);
  /// Sets `flag` and wakes the threads.
  void set(std::atomic<bool>& flag);

  const c10::intrusive_ptr<c10d::Store> store_;
  const int rank_;
  std::atomic<std::chrono::milliseconds> patience_;
  const OnFailure on_failure_;
  std::vector<Other> others_;
  std::optional<Consequence> consequence_;
  std::int64_t beats_ = 0;
  mutable std::mutex mutex_;
  std::string activity_ = "the start", failure_;
  std::atomic<bool> ended_ = false, failed_ = false, ending_ = false, leaving_ = false, told_ = false;
  std::atomic<std::chrono::steady_clock::time_point> answered_;  ///< when the store did last
  std::atomic<int> left_ = 0;
  std::condition_variable changed_;  ///< of ended_ and leaving_, which change under mutex_
  std::thread thread_, store_thread_;
};

}  // namespace rlhf
