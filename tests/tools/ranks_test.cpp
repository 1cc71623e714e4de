// Runs of several processes.
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"
#include "tools/running_program.h"

namespace rlhf {
namespace {

using testing::bytes_of;
using testing::timeless_metrics;

class RanksRun : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig config = sft_config("");
    config.train.max_steps = 20;
    config.train.threads = 1;
    config.data.eval_share = 0.3;
    config.eval.every_steps = 5;
    config.checkpoint.every_steps = 5;
    config.log.tensorboard = false;
    std::ofstream(path("sft.yaml")) << to_yaml(config);
  }

  std::string command(const std::string& output, const std::string& flags) const {
    return "cd " + path("") + " && exec " + bin_dir() + "/rlhf-sft --config sft.yaml train.output=" + output + " " +
           flags;
  }
  ProgramResult sft(const std::string& output, const std::string& flags) const {
    return run_program(command(output, flags));
  }

  /// Expects the metrics of both runs to be equal but for rounding.
  void expect_same_run(const std::string& expected, const std::string& found) const {
    const auto a = timeless_metrics(path(expected)), b = timeless_metrics(path(found));
    ASSERT_EQ(a.size(), b.size());
    ASSERT_GT(a.size(), 20U);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].size(), b[i].size()) << a[i] << b[i];
      for (const auto& [name, value] : a[i].items()) {
        const double wanted = value.get<double>(), is = b[i].at(name).get<double>();
        const double allowed = name.ends_with("grad_norm") ? 1e-4 * wanted : 1e-5;
        EXPECT_NEAR(is, wanted, allowed) << name << " in line " << i;
      }
    }
  }

  /// The processes that `parent` has started, by rank.
  static std::vector<pid_t> children(pid_t parent) {
    const std::string id = std::to_string(parent);
    std::ifstream file("/proc/" + id + "/task/" + id + "/children");
    std::vector<pid_t> ids;
    for (pid_t child = 0; file >> child;) ids.push_back(child);
    return ids;
  }

  /// Starts a long run of three ranks, does `something` to the process of rank `rank`, and returns how it ended.
  template <typename Do>
  ProgramResult disturb(const std::string& output, std::size_t rank, const Do& something) const {
    RunningProgram program("sh -c '" + command(output, "--ranks 3 train.max_steps=100000 2>&1") + "'");
    EXPECT_TRUE(program.prints("step 5: checkpoint saved")) << program.printed();
    const auto ranks = children(program.id());
    if (ranks.size() != 3) ADD_FAILURE() << ranks.size();
    something(ranks.at(rank));
    const int code = program.wait();
    return {code, program.printed(), ""};
  }
};

/// The flags that resume a run for a few steps more, from what it printed.
std::string some_steps_more(const std::string& printed) {
  const std::size_t saved = printed.rfind(": checkpoint saved"), step = printed.rfind("step ", saved) + 5;
  return "--ranks 2 --resume train.max_steps=" + std::to_string(std::stoi(printed.substr(step, saved - step)) + 3);
}

TEST_F(RanksRun, AreTheSameRunAsOneProcess) {
  ASSERT_EQ(sft("one", "").exit_code, 0);
  for (const std::string count : {"1", "2", "4"}) {
    const ProgramResult result = sft("ranks" + count, "--ranks " + count);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    expect_same_run("one", "ranks" + count);
    EXPECT_EQ(result.err.find("\nrank "), std::string::npos) << "only rank 0 speaks: " << result.err;
  }
  EXPECT_EQ(bytes_of(path("one/final/model.safetensors")), bytes_of(path("ranks1/final/model.safetensors")));
}

TEST_F(RanksRun, HaveTheSameBitsEveryTime) {
  ASSERT_EQ(sft("a", "--ranks 2").exit_code, 0);
  ASSERT_EQ(sft("b", "--ranks 2").exit_code, 0);
  EXPECT_EQ(timeless_metrics(path("a")), timeless_metrics(path("b")));
  EXPECT_EQ(bytes_of(path("a/final/model.safetensors")), bytes_of(path("b/final/model.safetensors")));
}

// The variables of torchrun, and a share of nothing: a batch of one sample for two ranks.
TEST_F(RanksRun, AreStartedByTheVariablesOfTorchrun) {
  const std::string flags = "train.batch_size=1 ", variables =
                                                       "WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 "
                                                       "MASTER_PORT=29611 ";
  ASSERT_EQ(sft("one", flags).exit_code, 0);
  const std::string rank = bin_dir() + "/rlhf-sft --config sft.yaml train.output=two " + flags;
  const ProgramResult result = run_program("cd " + path("") + " && { RANK=1 LOCAL_RANK=1 " + variables + rank +
                                           " & RANK=0 LOCAL_RANK=0 " + variables + rank + " && wait $!; }");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same_run("one", "two");
}

TEST_F(RanksRun, GoOnWithAnotherNumberOfRanks) {
  const std::string constant = " lr_schedule.kind=constant";  // not a function of the number of steps
  ASSERT_EQ(sft("straight", constant).exit_code, 0);
  ASSERT_EQ(sft("changed", "--ranks 4 train.max_steps=10" + constant).exit_code, 0);
  const ProgramResult longer = sft("changed", "--ranks 2 --resume" + constant);
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  // The shorter run evaluated its last step, which is one of the longer run too.
  expect_same_run("straight", "changed");
}

TEST_F(RanksRun, ARankThatIsKilledEndsTheOthers) {
  for (const std::size_t rank : {0, 2}) {
    const ProgramResult result = disturb("killed" + std::to_string(rank), rank, [](pid_t id) { kill(id, SIGKILL); });
    EXPECT_EQ(result.exit_code, 8) << result.out;
    EXPECT_NE(result.out.find("error: rank " + std::to_string(rank) + " was ended by signal 9"), std::string::npos)
        << result.out;
    const ProgramResult resumed = sft("killed" + std::to_string(rank), some_steps_more(result.out));
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  }
}

TEST_F(RanksRun, ARankThatHangsEndsTheOthers) {
  for (const std::size_t rank : {0, 1}) {
    const ProgramResult result = disturb("stopped" + std::to_string(rank), rank, [](pid_t id) { kill(id, SIGSTOP); });
    EXPECT_EQ(result.exit_code, 8) << result.out;
    EXPECT_NE(result.out.find("rank " + std::to_string(rank)), std::string::npos) << result.out;
  }
}

// A signal to any of them stops all after the same step.
TEST_F(RanksRun, ASignalToOneSavesAndStopsAll) {
  for (const std::size_t rank : {0, 2}) {
    const std::string output = "signalled" + std::to_string(rank);
    const ProgramResult result = disturb(output, rank, [](pid_t id) { kill(id, SIGTERM); });
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.out;
    EXPECT_EQ(result.out.find("error"), std::string::npos) << result.out;
    EXPECT_EQ(sft(output, some_steps_more(result.out)).exit_code, 0);
  }
}

TEST_F(RanksRun, WithDifferentConfigsAreRefused) {
  const std::string variables = "WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29612 ";
  const std::string rank = bin_dir() + "/rlhf-sft --config sft.yaml train.output=two ";
  const ProgramResult result =
      run_program("cd " + path("") + " && { RANK=1 " + variables + rank + "train.batch_size=4 & RANK=0 " + variables +
                  rank + "; code=$?; wait $!; exit $code; }");
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_NE(result.err.find("rank 1: train.batch_size: expected 8 as on rank 0, found 4"), std::string::npos)
      << result.err;
}

TEST_F(RanksRun, ThatCannotBeAreRefusedAtOnce) {
  const auto refused = [&](const std::string& call, const std::string& text) {
    const ProgramResult result = run_program("cd " + path("") + " && " + call);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
  };
  const std::string tool = bin_dir() + "/rlhf-sft --config sft.yaml train.output=x ";
  refused(tool + "--ranks 0", "command line: --ranks: expected a number from 1 to 1024, found 0");
  refused("RANK=0 WORLD_SIZE=3 MASTER_ADDR=a " + tool + "--ranks 2", "--ranks: expected 3, the number of processes");
  refused("RANK=3 WORLD_SIZE=3 MASTER_ADDR=a " + tool,
          "environment: RANK: expected a whole number from 0 to 2, found 3");
  SftConfig trained = sft_config("x");
  trained.model = {.path = "model"};
  std::ofstream(path("trained.yaml")) << to_yaml(trained);
  refused("RANK=0 WORLD_SIZE=2 MASTER_ADDR=a " + bin_dir() + "/rlhf-sft --config trained.yaml --eval-only",
          "--eval-only: expected one process, found 2 ranks");
  std::ofstream(path("rm.yaml")) << to_yaml(reward_config("model", "rm"));
  refused("RANK=0 WORLD_SIZE=2 MASTER_ADDR=a " + bin_dir() + "/rlhf-rm --config rm.yaml",
          "rlhf-rm: expected one process, found 2 ranks");
  EXPECT_FALSE(std::filesystem::exists(path("x")));
}

}  // namespace
}  // namespace rlhf
