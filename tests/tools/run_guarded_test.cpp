#include "run_guarded.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

namespace rlhf {
namespace {

struct GuardCase {
  std::function<void()> body;
  int code;
  std::string text;
};

TEST(RunGuarded, TurnsWhatIsThrownIntoLinesAndCodes) {
  const GuardCase cases[] = {
      {[] {}, 0, ""},
      {[] {
         throw ConfigError({"a", "b"});
       },
       2, "error: a\nerror: b\n"},
      {[] {
         throw ConfigError({"1", "2", "3", "4", "5"});
       },
       2, "error: 1\nerror: 2\nerror: 3\nerror: 4\nerror: 5\n"},
      {[] {
         throw ConfigError({"1", "2", "3", "4", "5", "6", "7"});
       },
       2, "error: 1\nerror: 2\nerror: 3\nerror: 4\nerror: 5\nand 2 more\n"},
      {[] { throw DataError("a.jsonl:3: no JSON"); }, 3, "error: a.jsonl:3: no JSON\n"},
      {[] { throw OutputError("full"); }, 10, "error: full\n"},
      {[] { throw Interrupted(SIGINT); }, 130, "stopped by SIGINT\n"},
      {[] { throw Interrupted(SIGTERM); }, 143, "stopped by SIGTERM\n"},
      {[] { throw std::bad_alloc(); }, 7, "error: out of memory; hint: lower train.micro_batch_tokens or batch_size\n"},
      {[] { return void(std::filesystem::file_size("/no/such")); }, 10, "error: /no/such: No such file or directory\n"},
      {[] { throw std::system_error(EAGAIN, std::generic_category()); }, 7,
       "error: the system refused a thread or another resource: Resource temporarily unavailable\n"},
      {[] { throw DataError("a\x1b[2Jb\nc \xC2\x9B \u202E"); }, 3, "error: a\\x1b[2Jb\\nc \\u009b \\u202e\n"},
      {[] { throw std::logic_error("x is 3"); }, 1, "error: internal error: x is 3; this is a bug\n"},
  };
  for (const GuardCase& c : cases) {
    ::testing::internal::CaptureStderr();
    const int code = run_guarded(c.body);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), c.text);
    EXPECT_EQ(code, c.code) << c.text;
  }
}

TEST(EndProcess, WritesWhatIsBufferedAndEndsWithTheCode) {
  EXPECT_EXIT(
      {
        std::cout.rdbuf(std::cerr.rdbuf());  // a death test reads stderr
        std::cout << "out";
        end_process(7);
      },
      ::testing::ExitedWithCode(7), "out");
}

TEST(RunGuarded, CutsALongMessageInItsMiddle) {
  ::testing::internal::CaptureStderr();
  run_guarded([] { throw DataError("start" + std::string(1 << 20, 'x') + "end"); });
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.size(), std::string("error: \n").size() + 500);
  EXPECT_TRUE(text.starts_with("error: startxxx") && text.ends_with("xxxend\n")) << text;
}

TEST(RunGuarded, ASignalAfterAllWorkIsStillItsCode) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_guarded([] { set_stop_signal(SIGTERM); }), 143);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "stopped by SIGTERM\n");
  set_stop_signal(0);
}

}  // namespace
}  // namespace rlhf
