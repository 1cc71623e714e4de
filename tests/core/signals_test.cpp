#include "rlhf/core/signals.h"

#include <csignal>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

TEST(Signals, AreKeptUntilALoopAsks) {
  set_stop_signal(0);
  EXPECT_NO_THROW(stop_if_signalled());
  install_signal_handlers();
  for (int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    set_stop_signal(0);
    std::raise(signal);
    EXPECT_EQ(stop_signal(), signal);
    try {
      stop_if_signalled();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Interrupted& e) {
      EXPECT_EQ(e.signal(), signal);
    }
  }
  set_stop_signal(0);
}

TEST(SignalsDeathTest, ASecondOneEndsTheProcessAtOnce) {
  const auto twice = [] {
    install_signal_handlers();
    std::raise(SIGTERM);
    std::raise(SIGINT);
  };
  EXPECT_EXIT(twice(), ::testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace rlhf
