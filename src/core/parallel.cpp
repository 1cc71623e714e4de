// A parallel loop on std::thread, for the rooms that do not link LibTorch or OpenMP.
#include "rlhf/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace rlhf {
namespace {

/// Hands out indices in order until none is left or a call has thrown.
class IndexQueue {
 public:
  IndexQueue(std::size_t count, const std::function<void(std::size_t)>& body) : count_(count), body_(body) {}

  void work() {
    for (std::size_t i = next_++; i < count_; i = next_++) {
      try {
        body_(i);
      } catch (...) {
        stop(i, std::current_exception());
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void stop(std::size_t index, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_ || index < failed_) {
      failed_ = index;
      error_ = std::move(error);
    }
    next_ = count_;
  }

  std::size_t count_;
  const std::function<void(std::size_t)>& body_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::size_t failed_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void for_each_index(std::size_t count, const std::function<void(std::size_t)>& body) {
  IndexQueue queue(count, body);
  std::vector<std::jthread> helpers;
  const std::size_t threads = std::min<std::size_t>(count, std::max(1U, std::thread::hardware_concurrency()));
  for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back([&] { queue.work(); });
  queue.work();
  helpers.clear();  // joins
  queue.rethrow();
}

}  // namespace rlhf
