// The programs themselves, as a user starts them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/version.h"

#include "support/temporary_folder.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTools = {"rlhf-sft", "rlhf-rm",       "rlhf-ppo",
                                         "rlhf-dpo", "rlhf-generate", "rlhf-tokenizer"};

ProgramResult run(const std::string& command) { return run_program(bin_dir() + "/" + command); }

TEST(Fronts, AnswerHelpVersionAndSchemaOnStdout) {
  for (const std::string& tool : kTools) {
    const ProgramResult help = run(tool + " --help");
    EXPECT_EQ(help.exit_code, 0) << tool;
    EXPECT_TRUE(help.out.starts_with("usage: " + tool + " ")) << help.out;
    EXPECT_EQ(help.err, "");
    EXPECT_EQ(run(tool + " --version").out, tool + " " + kVersion + "\n");
    const auto schema = nlohmann::json::parse(run(tool + " --schema").out);
    EXPECT_EQ(schema["title"], tool);
    EXPECT_FALSE(schema["properties"].empty());
  }
}

// LD_TRACE_LOADED_OBJECTS makes the loader list what the program loads, as ldd does.
TEST(Fronts, DoNotLoadLibTorch) {
  for (const std::string& tool : kTools) {
    const ProgramResult loaded = run_program("LD_TRACE_LOADED_OBJECTS=1 " + bin_dir() + "/" + tool);
    EXPECT_NE(loaded.out.find("libc.so"), std::string::npos) << loaded.out;
    EXPECT_EQ(loaded.out.find("torch"), std::string::npos) << loaded.out;
    EXPECT_EQ(loaded.out.find("libc10"), std::string::npos) << loaded.out;
    EXPECT_EQ(loaded.out.find("sentencepiece") != std::string::npos, tool == "rlhf-tokenizer") << loaded.out;
  }
}

TEST(Fronts, RefuseWithOneLineAndCodeTwo) {
  const std::pair<const char*, const char*> cases[] = {
      {"rlhf-sft model.path=m data.train=[a] train.output=r train.sed=1",
       "error: command line: train.sed: unknown key; did you mean `train.seed`?\n"},
      {"rlhf-ppo model.policy=m data.prompts=[a] train.output=r",
       "error: model.reward: expected the folder of the reward model, or reward.terms, found nothing\n"},
      {"rlhf-dpo model.path=m data.train=[a] train.output=r dpo.los=ipo",
       "error: command line: dpo.los: unknown key; did you mean `dpo.loss`?\n"},
      {"rlhf-rm --config /no/such.yaml", "error: reading /no/such.yaml: No such file or directory\n"},
      {"rlhf-sft --resum", "error: command line: unknown flag --resum; did you mean `--resume`?\n"},
      {"rlhf-sft --learning_rate=1e-4",
       "error: command line: unknown flag --learning_rate=1e-4; did you mean `optimizer.lr=…`?\n"},
      {"rlhf-generate --resume", "error: command line: unknown flag --resume; hint: --help lists all of them\n"},
      {"rlhf-generate --model m --prompt x --top-p 0",
       "error: command line: top_p: expected a number, above 0, at most 1, found 0\n"},
      {"rlhf-generate --model m --prompt x --max-tokens 4",
       "error: command line: unknown flag --max-tokens; did you mean `--max-new-tokens`?\n"},
      {"rlhf-tokenizer --output o", "error: input: expected at least one file, found none\n"},
  };
  for (const auto& [command, expected] : cases) {
    const ProgramResult result = run(command);
    EXPECT_EQ(result.exit_code, 2) << command;
    EXPECT_EQ(result.err, expected) << command;
    EXPECT_EQ(result.out, "");
  }
}

TEST(Fronts, ShowFiveFaultsAndCountTheOthers) {
  const ProgramResult result =
      run("rlhf-sft model.path=m data.train=[a] train.output=r qa=1 qb=1 qc=1 qd=1 qe=1 qf=1 qg=1");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 6);
  EXPECT_TRUE(result.err.ends_with("\nand 2 more\n")) << result.err;
}

TEST(Fronts, PrintTheConfigThatReadsBackToItself) {
  const testing::TemporaryFolder folder;
  const std::string first = run("rlhf-ppo --print-config model.policy=m model.reward=w data.prompts=[a] train.output=r "
                                "ppo.kl_coef=0.1")
                                .out;
  EXPECT_NE(first.find("  kl_coef: 0.1\n"), std::string::npos) << first;
  std::ofstream(folder.path() / "a.yaml") << first;
  EXPECT_EQ(run("rlhf-ppo --print-config --config " + (folder.path() / "a.yaml").string()).out, first);
}

TEST(Fronts, TellWhenStdoutIsFull) {
  const ProgramResult result = run("rlhf-sft --help >/dev/full");
  EXPECT_EQ(result.exit_code, 10);
  EXPECT_EQ(result.err, "error: writing to stdout: cannot write all of the output\n");
}

/// A copy of a front beside an engine that prints its arguments and environment.
class FrontWithFakeEngine : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path() / "bin");
    fs::create_directories(folder_.path() / "libexec" / "rlhf");
    fs::copy_file(fs::path(bin_dir()) / "rlhf-sft", front_);
  }
  void make_engine() {
    const fs::path engine = folder_.path() / "libexec" / "rlhf" / "rlhf-engine";
    std::ofstream(engine) << "#!/bin/sh\nprintf '[%s]' \"$@\"\nenv\nexit 42\n";
    fs::permissions(engine, fs::perms::owner_all);
  }
  const testing::TemporaryFolder folder_;
  const fs::path front_ = folder_.path() / "bin" / "rlhf-sft";
  const std::string arguments_ = " model.path=m 'data.train=[a b]' train.output=r --resume";
};

TEST_F(FrontWithFakeEngine, HandsOverArgumentsAndSettings) {
  make_engine();
  const ProgramResult result =
      run_program("OMP_WAIT_POLICY=active " + front_.string() + arguments_ + " train.threads=3");
  EXPECT_EQ(result.exit_code, 42);
  EXPECT_TRUE(
      result.out.starts_with("[sft][model.path=m][data.train=[a b]][train.output=r][--resume][train.threads=3]"))
      << result.out;
  for (const char* setting :
       {"\nMKL_NUM_THREADS=3\n", "\nMALLOC_MMAP_THRESHOLD_=1073741824\n", "\nMALLOC_TRIM_THRESHOLD_=1073741824\n",
        "\nMALLOC_TOP_PAD_=67108864\n", "\nONEDNN_PRIMITIVE_CACHE_CAPACITY=32\n", "\nLRU_CACHE_CAPACITY=32\n",
        "\nCUBLAS_WORKSPACE_CONFIG=:4096:8\n", "\nOMP_WAIT_POLICY=active\n"}) {
    EXPECT_NE(result.out.find(setting), std::string::npos) << setting << "\n" << result.out;
  }
}

TEST_F(FrontWithFakeEngine, SaysThatTheEngineIsMissing) {
  const ProgramResult result = run_program(front_.string() + arguments_);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("/libexec/rlhf/rlhf-engine: No such file or directory; hint: "), std::string::npos)
      << result.err;
}

TEST(Tokenizer, TrainsOnTheTextsOfJsonLines) {
  const testing::TemporaryFolder folder;
  const std::string input = folder.path() / "a.jsonl", output = folder.path() / "out";
  std::ofstream file(input);
  for (int i = 0; i < 200; ++i)
    file << R"({"prompt": "What is )" << i << R"( and )" << 2 * i << R"(?", "completion": "It is )" << 3 * i << "\"}\n";
  file.close();
  const std::string command =
      "rlhf-tokenizer --input " + input + " --fields prompt --fields completion --vocab-size 290 --output " + output;
  const ProgramResult result = run(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(output + "/tokenizer.model"));
  EXPECT_TRUE(fs::exists(output + "/tokenizer_config.json"));
  EXPECT_EQ(run(command).exit_code, 2);  // the folder is not empty now
  EXPECT_EQ(run("rlhf-tokenizer --input " + input + " --fields story --output " + output + "2").exit_code, 3);
}

}  // namespace
}  // namespace rlhf
