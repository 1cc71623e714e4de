// What happens to a run when the world around it fails: other runs, signals, closed streams, files that change.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/show_config.h"
#include "rlhf/core/checksum.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"
#include "tools/running_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class RunFaults : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig config = sft_config("run");
    config.train.max_steps = 4;
    config.checkpoint.every_steps = 1;
    config.lr_schedule.kind = LrScheduleKind::constant;
    config.lr_schedule.warmup_share = 0;
    std::ofstream(path("sft.yaml")) << to_yaml(config);
  }
  /// `more` are overrides and flags; `around` may contain redirections.
  std::string command(const std::string& more, const std::string& around = "") const {
    return "env OMP_NUM_THREADS=1 " + bin_dir() + "/rlhf-sft --config " + path("sft.yaml") + " " + more + around;
  }
  ProgramResult train(const std::string& more = "", const std::string& around = "") const {
    return run_program(command(more, around));
  }
  /// A run that ends only when it is told to.
  std::string endless(const std::string& more = "") const { return command("train.max_steps=1000000 " + more); }

  void edit(const std::string& file, const std::function<void(nlohmann::json&)>& change) const {
    nlohmann::json json = nlohmann::json::parse(testing::bytes_of(path(file)));
    change(json);
    std::ofstream(path(file)) << json.dump();
  }
  static void expect_one_line(const ProgramResult& result, int code, const std::string& part) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    const std::size_t error = result.err.find("error: ");
    ASSERT_NE(error, std::string::npos) << result.err;
    EXPECT_EQ(result.err.find('\n', error), result.err.size() - 1) << result.err;
    EXPECT_NE(result.err.find(part, error), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("this is a bug"), std::string::npos) << result.err;
  }
};

TEST_F(RunFaults, TheNumberOfThreadsIsThatOfTheVariableOrTheKey) {
  const auto threads = [&](const std::string& more) {
    const ProgramResult result = train("train.output=" + path("threads") + " " + more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto run = nlohmann::json::parse(testing::bytes_of(path("threads/run.json")));
    fs::remove_all(path("threads"));
    return run.at("fingerprint").at("machine.threads").get<std::string>();
  };
  EXPECT_EQ(threads(""), "1");  // OMP_NUM_THREADS
  EXPECT_EQ(threads("train.threads=3"), "3");
}

TEST_F(RunFaults, ASecondRunInTheFolderIsRefused) {
  RunningProgram first(endless());
  ASSERT_TRUE(first.prints("step 2: checkpoint saved")) << first.printed();
  for (const char* flag : {"", "--resume"}) {
    expect_one_line(train(flag), 2, "in use by process " + std::to_string(first.id()) + " on ");
    EXPECT_TRUE(fs::exists(path("run/run.json")));
  }
  EXPECT_EQ(train("--dry-run").exit_code, 0) << "writes nothing, so it needs no lock";
  first.send(SIGKILL);
  EXPECT_EQ(first.wait(), -SIGKILL);
  RunningProgram second(endless("--resume"));
  EXPECT_TRUE(second.prints("resuming at step ")) << "the lock of a dead process does not stand in the way";
}

TEST_F(RunFaults, ARunWithClosedStreamsKeepsItsFiles) {
  ASSERT_EQ(train("train.output=" + path("open")).exit_code, 0);
  for (const char* closed : {" 2>&-", " <&-", " >&-", " <&- >&- 2>&-"}) {
    fs::remove_all(path("run"));
    EXPECT_EQ(train("", closed).exit_code, 0) << closed;
    EXPECT_EQ(testing::timeless_metrics(path("run")), testing::timeless_metrics(path("open"))) << closed;
  }
}

TEST_F(RunFaults, SignalsSaveAndTheRunGoesOn) {
  for (const int signal : {SIGHUP, SIGQUIT, SIGXCPU, SIGTERM, SIGUSR1, SIGUSR2}) {
    fs::remove_all(path("run"));
    RunningProgram run(endless());
    ASSERT_TRUE(run.prints("step 1: checkpoint saved")) << run.printed();
    run.send(signal);
    EXPECT_EQ(run.wait(), 128 + signal) << run.printed();
    EXPECT_TRUE(run.printed().ends_with("stopped by SIG" + std::string(sigabbrev_np(signal)) + "\n")) << run.printed();
    RunningProgram resumed(endless("--resume"));
    EXPECT_TRUE(resumed.prints("resuming at step ")) << resumed.printed();
  }
}

TEST_F(RunFaults, NohupKeepsARunAlive) {
  RunningProgram run("nohup " + endless());
  ASSERT_TRUE(run.prints("step 1: checkpoint saved")) << run.printed();
  run.send(SIGHUP);
  run.send(SIGTERM);
  EXPECT_EQ(run.wait(), 128 + SIGTERM) << "the first signal that is not ignored: " << run.printed();
}

TEST_F(RunFaults, APipeThatNobodyReadsIsAFailedWrite) {
  const ProgramResult plan = run_program("( " + command("--dry-run") + "; echo $? >" + path("code") + " ) | true");
  EXPECT_NE(plan.err.find("error: writing the plan: cannot write stdout"), std::string::npos) << plan.err;
  EXPECT_EQ(testing::bytes_of(path("code")), "10\n");
}

TEST_F(RunFaults, AFolderThatIsRemovedOrMovedEndsTheRunWithTen) {
  const std::pair<const char*, std::function<void()>> faults[] = {
      {"removed", [&] { fs::rename(path("run"), path("gone")), fs::remove_all(path("gone")); }},
      {"moved", [&] { fs::rename(path("run"), path("moved")); }},
      {"metrics removed", [&] { fs::remove(path("run/metrics.jsonl")); }},
  };
  for (const auto& [name, fault] : faults) {
    fs::remove_all(path("run"));
    RunningProgram run(endless());
    ASSERT_TRUE(run.prints("step 2: checkpoint saved")) << run.printed();
    fault();
    EXPECT_EQ(run.wait(), 10) << name << run.printed();
    EXPECT_NE(run.printed().find("error: "), std::string::npos) << name << run.printed();
  }
}

TEST_F(RunFaults, OddRunJsonIsCalledBrokenAndTheCheckpointIsUsed) {
  ASSERT_EQ(train("train.max_steps=2").exit_code, 0);
  const std::string good = testing::bytes_of(path("run/run.json"));
  for (const char* text : {"", "{", "[]", "3", "{}", "{\"stage\": 3, \"total_steps\": 2, \"fingerprint\": {}}",
                           "{\"stage\": \"sft\", \"total_steps\": \"2\", \"fingerprint\": {}}",
                           "{\"stage\": \"sft\", \"total_steps\": -1, \"fingerprint\": {}}",
                           "{\"stage\": \"sft\", \"total_steps\": 2, \"fingerprint\": [1]}",
                           "{\"stage\": \"sft\", \"total_steps\": 2, \"fingerprint\": {\"a\": 1}}"}) {
    std::ofstream(path("run/run.json")) << text;
    const ProgramResult result = train("train.max_steps=2 --resume");
    EXPECT_EQ(result.exit_code, 0) << text << result.err;
    EXPECT_NE(result.err.find("run.json: "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("using what the checkpoint of step 2 says"), std::string::npos) << result.err;
  }
  const ProgramResult other = train("train.max_steps=3 train.seed=5 --resume");
  expect_one_line(other, 2, "train.seed: expected 0 as in the run, found 5");
  EXPECT_EQ(train("train.max_steps=3 --resume").exit_code, 0);
  EXPECT_NE(testing::bytes_of(path("run/run.json")), "") << "written again";
  fs::remove_all(path("run/checkpoints"));
  std::ofstream(path("run/run.json")) << "{";
  expect_one_line(train("train.max_steps=4 --resume"), 2, "there is no checkpoint to resume from");
}

TEST_F(RunFaults, OddStateJsonIsARefusalOfTheCheckpoint) {
  ASSERT_EQ(train("train.max_steps=1").exit_code, 0);
  const std::string state = "run/checkpoints/step-000001/state.json",
                    manifest = "run/checkpoints/step-000001/manifest.json";
  const std::string good = testing::bytes_of(path(state));
  const std::pair<const char*, std::function<void(nlohmann::json&)>> changes[] = {
      {"state.json: fingerprint: ", [](auto& json) { json.erase("fingerprint"); }},
      {"state.json: fingerprint[", [](auto& json) { json["fingerprint"]["train.seed"] = 3; }},
      {"state.json: num_tokens: ", [](auto& json) { json["num_tokens"] = "3"; }},
      {"state.json: observed: ", [](auto& json) { json["observed"] = 1; }},
      {"state.json: numbers: ", [](auto& json) { json["numbers"] = nullptr; }},
      {"state.json: files", [](auto& json) { json["files"]["metrics.jsonl"]["crc32"] = -1; }},
      {"state.json: expected ", [](auto& json) { json = nlohmann::json::array(); }},
      {"machine.threads: expected a whole number", [](auto& json) { json["fingerprint"]["machine.threads"] = "two"; }},
  };
  for (const auto& [part, change] : changes) {
    std::ofstream(path(state)) << good;
    edit(state, change);
    // The manifest fits again, as if the file had been written so.
    const std::string bytes = testing::bytes_of(path(state));
    char crc[9];
    std::snprintf(crc, sizeof crc, "%08x", crc32_of_file(path(state), ExitCode::data));
    edit(manifest, [&](auto& json) { json["files"]["state.json"] = {{"bytes", bytes.size()}, {"crc32", crc}}; });
    expect_one_line(train("train.max_steps=2 --resume"), 4, part);
  }
}

TEST_F(RunFaults, FilesInPlaceOfFoldersHaveTheirLine) {
  ASSERT_EQ(train("train.max_steps=2").exit_code, 0);
  fs::rename(path("run/checkpoints"), path("checkpoints"));
  std::ofstream(path("run/checkpoints")) << "x";
  fs::remove_all(path("run/final"));
  expect_one_line(train("train.max_steps=3 --resume"), 4, path("run/checkpoints"));
  fs::remove(path("run/checkpoints"));
  fs::create_symlink(path("run/checkpoints"), path("run/checkpoints"));
  EXPECT_TRUE(train("train.max_steps=3 --resume").err.find("this is a bug") == std::string::npos);
}

TEST_F(RunFaults, ControlCharactersOfDataDoNotReachTheTerminal) {
  const std::string raw = "\x1b\xC2\x9B\u202E\x07";
  std::ofstream(path("evil.jsonl")) << nlohmann::json{{"prompt", "p" + raw}, {"completion", "c" + raw}} << "\n";
  const ProgramResult plan = train("--dry-run data.train=[" + path("evil.jsonl") + "]");
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  for (const std::string part : {"\x1b", "\xC2\x9B", "\u202E", "\x07"})
    EXPECT_EQ((plan.out + plan.err).find(part), std::string::npos) << plan.out;
  EXPECT_NE(plan.out.find("\\x1b\\u009b\\u202e\\x07"), std::string::npos) << plan.out;
}

}  // namespace
}  // namespace rlhf
