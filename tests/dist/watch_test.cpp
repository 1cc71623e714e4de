// One failure causes others, and the first one is reported.
#include "dist/watch.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "dist/store_text.h"

namespace rlhf {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A rank that watches the others, and what it reports.
class Watcher {
 public:
  Watcher(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, milliseconds patience)
      : watch(store, rank, size, patience, [this](const std::string& line) { line_.set_value(line); }) {
    watch.set_activity("step 7");
  }

  /// Waits for it. "" if nothing comes, so that a test ends.
  std::string line() {
    auto line = line_.get_future();
    return line.wait_for(seconds(60)) == std::future_status::ready ? line.get() : "";
  }

 private:
  std::promise<std::string> line_;

 public:
  Watch watch;  ///< ends first
};

class FirstCause : public ::testing::Test {
 protected:
  void show_life_once(int rank) { const Watcher stops(store_, rank, 3, hours(1)); }

  c10::intrusive_ptr<c10d::Store> store_ = c10::make_intrusive<c10d::HashStore>();
};

// Only rank 1 finds that rank 2 has stopped: rank 0 would wait for an hour.
TEST_F(FirstCause, WhatOneRankFindsIsReportedByAll) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, milliseconds(1'000));
  show_life_once(2);
  EXPECT_EQ(first.line(), "rank 0, step 7: rank 2 has shown no sign of life for 1 s");
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 has shown no sign of life for 1 s");
}

// Rank 2 is gone. Rank 0 ends, because an exchange with rank 2 failed, before anybody knows why.
TEST_F(FirstCause, ARankThatEndsBecauseOfAnotherIsNotTheCause) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1));
  show_life_once(2);
  first.watch.leave("rank 0, gradients of step 7: connection closed by peer", Watch::Why::another);
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 has shown no sign of life for 3 s");
}

// All are there: then the exchange that failed is all that is known.
TEST_F(FirstCause, AConsequenceIsReportedIfNobodyFindsTheCause) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1)), third(store_, 2, 3, hours(1));
  first.watch.leave("connection closed by peer", Watch::Why::another);
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 0 failed: connection closed by peer");
}

// Rank 0 waits for an exchange that failed, and rank 1 has rank 2 as its neighbour.
TEST_F(FirstCause, ARankThatMissesAnotherMakesAllImpatient) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1));
  show_life_once(2);
  EXPECT_EQ(first.watch.find_failure(), "rank 2 has shown no sign of life for 3 s");
}

// Neither the rank that has left nor the one that has not come is taken for the one that has stopped.
TEST_F(FirstCause, ARankLooksPastThoseThatAreNotThere) {
  Watcher first(store_, 0, 4, milliseconds(1'000));
  {
    Watcher second(store_, 1, 4, hours(1));
    second.watch.leave("");
  }
  show_life_once(3);
  EXPECT_EQ(first.line(), "rank 0, step 7: rank 3 has shown no sign of life for 1 s");
}

/// Counts what is asked of a store.
class CountingStore : public c10d::PrefixStore {
 public:
  using PrefixStore::PrefixStore;
  bool check(const std::vector<std::string>& keys) override { return ++asked, PrefixStore::check(keys); }
  std::vector<std::uint8_t> get(const std::string& key) override { return ++asked, PrefixStore::get(key); }
  std::atomic<std::int64_t> asked = 0;
};

// So that the process with the store can answer a thousand ranks.
TEST_F(FirstCause, WhatARankAsksDoesNotGrowWithTheNumberOfRanks) {
  const auto asked_by_one_of = [](int size) {
    const auto all = c10::make_intrusive<c10d::HashStore>();
    const auto store = c10::make_intrusive<c10d::PrefixStore>("run", all);
    std::deque<Watcher> others;
    for (int rank = 1; rank < size; ++rank) others.emplace_back(store, rank, size, hours(1));
    const auto counted = c10::make_intrusive<CountingStore>("run", all);
    const Watcher first(counted, 0, size, hours(1));
    std::int64_t looks = 0;
    for (; looks < 4; std::this_thread::sleep_for(milliseconds(20))) looks = std::stoll(read_text(*store, "beat/0"));
    return counted->asked / looks;
  };
  EXPECT_LE(asked_by_one_of(16), asked_by_one_of(2) + 1);
}

TEST_F(FirstCause, TheFirstOfSeveralReasonsIsReported) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1)), third(store_, 2, 3, hours(1));
  third.watch.leave("the disk is full");
  first.watch.leave("the model is not finite");
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 failed: the disk is full");
}

}  // namespace
}  // namespace rlhf
