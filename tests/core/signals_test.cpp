#include "rlhf/core/signals.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

TEST(Signals, AreKeptUntilALoopAsks) {
  set_stop_signal(0);
  EXPECT_NO_THROW(stop_if_signalled());
  std::signal(SIGHUP, SIG_DFL);  // the tests may run under nohup
  install_signal_handlers();
  for (int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGXCPU, SIGUSR1, SIGUSR2}) {
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

// A terminal that closes sends SIGHUP twice, and the limit of CPU time sends SIGXCPU every second.
TEST(Signals, ThatComeSeveralTimesDoNotEndTheProcess) {
  set_stop_signal(0);
  std::signal(SIGHUP, SIG_DFL);
  install_signal_handlers();
  std::raise(SIGHUP);
  std::raise(SIGHUP);
  std::raise(SIGXCPU);
  EXPECT_EQ(stop_signal(), SIGHUP) << "the first one";
  set_stop_signal(0);
}

TEST(SignalsDeathTest, AHangupThatNohupIgnoresStaysIgnored) {
  const auto hang_up = [] {
    std::signal(SIGHUP, SIG_IGN);
    install_signal_handlers();
    std::raise(SIGHUP);
    std::exit(stop_signal());
  };
  EXPECT_EXIT(hang_up(), ::testing::ExitedWithCode(0), "");
}

TEST(SignalsDeathTest, AtAPromptTheFirstOneEndsTheProcess) {
  const auto interrupt = [] {
    install_signal_handlers();
    const StopAtOnce prompt;
    std::raise(SIGINT);
  };
  EXPECT_EXIT(interrupt(), ::testing::ExitedWithCode(130), "");
}

TEST(Signals, APromptAfterASignalIsNotShown) {
  set_stop_signal(SIGTERM);
  EXPECT_THROW(StopAtOnce(), Interrupted);
  set_stop_signal(0);
}

TEST(PrepareProcessDeathTest, ClosedStreamsBecomeDevNull) {
  const auto closed = [](std::initializer_list<int> streams) {
    for (const int stream : streams) close(stream);
    prepare_process();
    const int next = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    struct stat null = {}, found = {};
    stat("/dev/null", &null);
    bool all = next > 2;
    for (const int stream : streams) all = all && fstat(stream, &found) == 0 && found.st_rdev == null.st_rdev;
    std::_Exit(all ? 0 : 1);
  };
  EXPECT_EXIT(closed({2}), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(closed({0}), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(closed({1}), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(closed({0, 1, 2}), ::testing::ExitedWithCode(0), "");
}

TEST(PrepareProcessDeathTest, AWriteThatNobodyReadsFails) {
  const auto write_into_nothing = [] {
    prepare_process();
    int ends[2];
    if (pipe(ends) != 0) std::_Exit(2);
    close(ends[0]);
    std::_Exit(write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 1);
  };
  EXPECT_EXIT(write_into_nothing(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace rlhf
