// Runs of several processes.
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/show_config.h"

#include "support/free_port.h"
#include "support/tiny_run.h"
#include "tools/run_program.h"
#include "tools/running_program.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::bytes_of;
using testing::timeless_metrics;

/// What torchrun says to each of two ranks of this machine, but for their numbers.
std::string two_ranks() {
  return "WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(testing::free_port()) +
         " ";
}

class RanksRun : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    write_config("sft", sft_config(""));
  }

  /// 20 samples in batches of 6, 6, 6 and 2: then two of four ranks have nothing to do.
  template <typename Config>
  void write_config(const std::string& tool, Config config) const {
    config.train.batch_size = 6;
    config.train.max_steps = 20;
    config.train.threads = 1;
    config.data.eval = {config.data.train.front().path};
    config.eval.every_steps = 5;
    config.checkpoint.every_steps = 5;
    config.log.tensorboard = false;
    std::ofstream(path(tool + ".yaml")) << to_yaml(config);
  }

  std::string command(const std::string& tool, const std::string& output, const std::string& flags) const {
    return "cd " + path("") + " && exec " + bin_dir() + "/rlhf-" + tool + " --config " + tool +
           ".yaml train.output=" + output + " " + flags;
  }
  ProgramResult sft(const std::string& output, const std::string& flags) const {
    return run_program(command("sft", output, flags));
  }

  /// Configs of the other stages, their initial model, rankings, and pairs that some judge rightly and some wrongly.
  void prepare_other_stages() const {
    ASSERT_EQ(sft("base", "train.max_steps=1").exit_code, 0);
    RewardModelConfig rm = reward_config("base/final", "");
    rm.optimizer.lr = 3e-4;  // the rate of the fixture multiplies a rounding by 1000 in 20 steps
    write_config("rm", rm);
    write_config("dpo", dpo_config("base/final", ""));
    std::ifstream pairs(path("pairs.jsonl"));
    std::ofstream rankings(path("rankings.jsonl")), judged(path("judged.jsonl"));
    int number = 0;
    for (std::string line; std::getline(pairs, line); ++number) {
      const json pair = json::parse(line);
      const std::string best = pair.at("chosen"), worse = pair.at("rejected");
      const json texts = {{{"text", worse}, {"rank", 1}}, {{"text", best}, {"rank", 0}}, {{"text", "+"}, {"rank", 2}}};
      rankings << json{{"prompt", pair.at("prompt")}, {"completions", texts}} << "\n";
      json judgments;
      for (const std::string name : {"ann", "bob", "cid"})
        judgments.push_back({{"annotator", name}, {"choice", name == "cid" ? 1 : number % 5 == 0}});
      judged << json{{"prompt", pair.at("prompt")}, {"responses", {best, worse}}, {"judgments", judgments}} << "\n";
    }
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
    RunningProgram program("sh -c '" + command("sft", output, "--ranks 3 train.max_steps=100000 2>&1") + "'");
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

/// A kind of run that ranks share.
struct Kind {
  std::string name, tool, keys;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
std::string name_of(const ::testing::TestParamInfo<Kind>& info) { return info.param.name; }

const Kind kSft{"Sft", "sft", ""};
const Kind kPairs{"Pairs", "rm", "reward_model.centering=0.1"};
const Kind kRankings{"Rankings", "rm", "data.train=[rankings.jsonl] data.eval=[rankings.jsonl]"};
const Kind kLearnedLabels{"LearnedLabels", "rm",
                          "data.train=[judged.jsonl] data.eval=[judged.jsonl] reward_model.annotators=em"};
const Kind kDpo{"Dpo", "dpo", ""};
const Kind kKto{"Kto", "dpo", "dpo.loss=kto"};

class SharedRun : public RanksRun, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    RanksRun::SetUp();
    if (GetParam().tool != "sft") prepare_other_stages();
  }

  /// Runs it and returns its line about the work done.
  std::string run(const std::string& output, const std::string& flags) const {
    const ProgramResult result =
        run_program(command(GetParam().tool, output, "lr_schedule.kind=constant " + GetParam().keys + " " + flags));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err.find("\nrank "), std::string::npos) << "only rank 0 speaks: " << result.err;
    const std::size_t work = result.err.find("work: ");
    return result.err.substr(work, result.err.find('\n', work) - work);
  }
};
class ChangedRanks : public SharedRun {};

INSTANTIATE_TEST_SUITE_P(Ranks, SharedRun, ::testing::Values(kSft, kPairs, kRankings, kLearnedLabels, kDpo, kKto),
                         name_of);

TEST_P(SharedRun, IsTheSameAsThatOfOneProcess) {
  const std::string work = run("one", "");
  EXPECT_NE(work.find("processed tokens per useful one"), std::string::npos) << work;
  for (const std::string count : {"1", "2", "4"}) {
    EXPECT_EQ(run("ranks" + count, "--ranks " + count + (count == "2" ? "" : " train.shard=parameters")), work);
    expect_same_run("one", "ranks" + count);
  }
  EXPECT_EQ(bytes_of(path("one/final/model.safetensors")), bytes_of(path("ranks1/final/model.safetensors")));
}

TEST_P(SharedRun, HasTheSameBitsEveryTimeAndAfterAResume) {
  run("straight", "--ranks 2");
  run("stopped", "--ranks 2 train.max_steps=10");
  run("stopped", "--ranks 2 --resume");
  EXPECT_EQ(timeless_metrics(path("straight")), timeless_metrics(path("stopped")));
  EXPECT_EQ(bytes_of(path("straight/final/model.safetensors")), bytes_of(path("stopped/final/model.safetensors")));
}

// The variables of torchrun, and a share of nothing: a batch of one sample for two ranks.
TEST_F(RanksRun, AreStartedByTheVariablesOfTorchrun) {
  const std::string flags = "train.batch_size=1 ", variables = two_ranks();
  ASSERT_EQ(sft("one", flags).exit_code, 0);
  const std::string rank = bin_dir() + "/rlhf-sft --config sft.yaml train.output=two " + flags;
  const ProgramResult result = run_program("cd " + path("") + " && { RANK=1 LOCAL_RANK=1 " + variables + rank +
                                           " & RANK=0 LOCAL_RANK=0 " + variables + rank + " && wait $!; }");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same_run("one", "two");
}

INSTANTIATE_TEST_SUITE_P(Ranks, ChangedRanks, ::testing::Values(kSft, kLearnedLabels, kKto), name_of);

TEST_P(ChangedRanks, GoOn) {
  run("straight", "");
  run("changed", "--ranks 4 train.max_steps=10 train.shard=none");
  run("changed", "--ranks 2 --resume");
  // The shorter run evaluated its last step, which is one of the longer run too.
  expect_same_run("straight", "changed");
}

// The mean that is saved with a reward model is that of an evaluation on the same texts.
TEST_F(RanksRun, ARewardModelIsCentredOnTheTextsOfAllRanks) {
  prepare_other_stages();
  const auto rm = [&](const std::string& flags) {
    const ProgramResult result =
        run_program(command("rm", "rm", flags + " reward_model.center_on=all data.eval=[] eval.every_steps=0"));
    EXPECT_EQ(result.exit_code, 0) << result.err;
  };
  rm("--ranks 2");
  rm("--eval-only model.path=rm/final --eval-output evaluation.json");
  const json evaluation = json::parse(bytes_of(path("evaluation.json")));
  const json config = json::parse(bytes_of(path("rm/final/config.json")));
  EXPECT_NEAR(config.at("rlhf_reward_mean").get<double>(), evaluation.at("eval_mean_reward").get<double>(), 1e-5);
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

// The engine of rank 1 is killed when it starts, so the others wait for it.
TEST_F(RanksRun, ARankThatIsKilledBeforeAllHaveJoinedStopsTheOthersAtOnce) {
  RunningProgram program("sh -c '" + command("sft", "killed", "--ranks 3 2>&1") + "'");
  std::vector<pid_t> ranks;
  while (ranks.size() < 3) ranks = children(program.id());
  kill(ranks[1], SIGKILL);
  EXPECT_EQ(program.wait(), 8) << program.printed();
  EXPECT_NE(program.printed().find(
                "error: rank 1 was ended by signal 9 before all ranks had joined, so the others are stopped\n"),
            std::string::npos)
      << program.printed();
  for (const char* const victim : {"rank 0 ", "rank 2 "})
    EXPECT_EQ(program.printed().find(victim), std::string::npos) << "a victim has no line: " << program.printed();
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

TEST_F(RanksRun, OnGpusAreTheSameRunAsOnTheCpu) {
  const std::string flags = "--ranks 2 train.device=cuda ";
  const ProgramResult result = sft("none", flags + "train.shard=none");
  if (result.err.find("device: expected a GPU") != std::string::npos) GTEST_SKIP() << "needs two GPUs: " << result.err;
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(sft("cpu", "").exit_code, 0);
  for (const std::string shard : {"optimizer", "gradients"})
    ASSERT_EQ(sft(shard, flags + "train.shard=" + shard).exit_code, 0);
  const auto expected = timeless_metrics(path("cpu"));
  for (const std::string run : {"none", "optimizer", "gradients"}) {
    const auto found = timeless_metrics(path(run));
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string name = expected[i].contains("loss") ? "loss" : "eval_loss";
      EXPECT_NEAR(found[i].at(name).get<double>(), expected[i].at(name).get<double>(), 1e-3) << run << ", " << i;
    }
  }
}

TEST_F(RanksRun, WithDifferentConfigsAreRefused) {
  const std::string variables = two_ranks();
  const std::string rank = bin_dir() + "/rlhf-sft --config sft.yaml train.output=two ";
  const ProgramResult result =
      run_program("cd " + path("") + " && { RANK=1 " + variables + rank + "train.batch_size=4 & RANK=0 " + variables +
                  rank + "; code=$?; wait $!; exit $code; }");
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_NE(result.err.find("rank 1: train.batch_size: expected 6 as on rank 0, found 4"), std::string::npos)
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
  EXPECT_FALSE(std::filesystem::exists(path("x")));
}

}  // namespace
}  // namespace rlhf
