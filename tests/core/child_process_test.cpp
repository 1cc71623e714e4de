// A program beside this one: answers, ends, silence, and what is left of it.
#include "rlhf/core/child_process.h"

#include <csignal>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

namespace rlhf {
namespace {

std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += std::to_string(i) + std::string(100, 'x') + "\n";
  return lines;
}

// 100,000 lines are 10 MB, more than the pipes hold: each side would wait for the other.
TEST(ChildProcess, AnswersWhileItIsWrittenTo) {
  ChildProcess cat({"cat"});
  const std::string lines = numbered_lines(100000);
  const auto answers = cat.ask(lines, 100000, 60);
  EXPECT_EQ(answers.fault, "");
  std::string all;
  for (const std::string& line : answers.lines) all += line + "\n";
  EXPECT_EQ(all, lines);
  EXPECT_EQ(cat.ask("again\n", 1, 60).lines, std::vector<std::string>{"again"}) << "and is asked again";
}

TEST(ChildProcess, SaysHowItEnded) {
  EXPECT_EQ(ChildProcess({"sh", "-c", "exit 3"}).ask("a\n", 1, 60).fault, "it ended with exit code 3");
  EXPECT_EQ(ChildProcess({"sh", "-c", "kill -9 $$"}).ask("a\n", 1, 60).fault, "it was ended by signal 9");
  const auto half = ChildProcess({"sh", "-c", "read a; echo $a"}).ask("a\nb\n", 2, 60);
  EXPECT_EQ(half.lines, std::vector<std::string>{"a"});
  EXPECT_EQ(half.fault, "it ended with exit code 0");
}

TEST(ChildProcess, IsNotWaitedForLongerThanTheTimeOut) {
  ChildProcess silent({"sleep", "100"});
  EXPECT_EQ(silent.ask("a\n", 1, 0.2).fault, "it gave no answer for 0.2 s");
}

TEST(ChildProcess, MayNotWriteALineWithoutEnd) {
  ChildProcess endless({"sh", "-c", "exec cat /dev/zero"});
  EXPECT_EQ(endless.ask("a\n", 1, 60).fault, "it wrote a line of more than 1 MiB");
}

TEST(ChildProcess, MustBeThere) {
  EXPECT_THROW(ChildProcess({"/no/such/program"}), std::system_error);
  EXPECT_THROW(ChildProcess({}), ArgumentError);
}

TEST(ChildProcess, IsLeftWhenASignalArrives) {
  ChildProcess silent({"sleep", "100"});
  set_stop_signal(SIGTERM);
  EXPECT_THROW(silent.ask("a\n", 1, 60), Interrupted);
  set_stop_signal(0);
}

}  // namespace
}  // namespace rlhf
