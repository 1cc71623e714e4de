// One failure causes others, and the first one is reported.
#include "dist/watch.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

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
  c10::intrusive_ptr<c10d::Store> store_ = c10::make_intrusive<c10d::HashStore>();
};

// Rank 2 never shows life, which only rank 0 finds: rank 1 would wait for an hour.
TEST_F(FirstCause, WhatOneRankFindsIsReportedByAll) {
  Watcher first(store_, 0, 3, milliseconds(1'000)), second(store_, 1, 3, hours(1));
  EXPECT_EQ(first.line(), "rank 0, step 7: rank 2 has shown no sign of life for 1 s");
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 has shown no sign of life for 1 s");
}

// Rank 2 is gone. Rank 0 ends, because an exchange with rank 2 failed, before anybody knows why.
TEST_F(FirstCause, ARankThatEndsBecauseOfAnotherIsNotTheCause) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1));
  first.watch.leave("rank 0, gradients of step 7: connection closed by peer", Watch::Why::another);
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 has shown no sign of life for 3 s");
}

// All are there: then the exchange that failed is all that is known.
TEST_F(FirstCause, AConsequenceIsReportedIfNobodyFindsTheCause) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1)), third(store_, 2, 3, hours(1));
  first.watch.leave("connection closed by peer", Watch::Why::another);
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 0 failed: connection closed by peer");
}

TEST_F(FirstCause, TheFirstOfSeveralReasonsIsReported) {
  Watcher first(store_, 0, 3, hours(1)), second(store_, 1, 3, hours(1)), third(store_, 2, 3, hours(1));
  third.watch.leave("the disk is full");
  first.watch.leave("the model is not finite");
  EXPECT_EQ(second.line(), "rank 1, step 7: rank 2 failed: the disk is full");
}

}  // namespace
}  // namespace rlhf
