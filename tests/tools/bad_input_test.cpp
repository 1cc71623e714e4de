// What a user's mistake gets: one line on stderr, the right exit code, nothing written.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::string name;
  std::string arguments;  ///< on top of --config; paths are relative to the test's folder
  int exit_code;
  std::string expected;  ///< part of the one line
  std::function<void()> prepare = [] {};
};

class BadInput : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("base");
    sft.train.max_steps = 1;
    write("base.yaml", to_yaml(sft));
    ASSERT_EQ(tool("rlhf-sft --config base.yaml").exit_code, 0);
    sft.train.output = path("out");
    sft.model = {.path = path("base/final")};
    write("sft.yaml", to_yaml(sft));
    RewardModelConfig reward = reward_config("base/final", "out");
    reward.train.max_steps = 1;
    write("rm.yaml", to_yaml(reward));
    PpoConfig ppo = ppo_config("base/final", "base/final", "out");
    write("ppo.yaml", to_yaml(ppo));
  }

  ProgramResult tool(const std::string& command) const {
    return run_program("cd " + path("") + " && OMP_NUM_THREADS=2 " + bin_dir() + "/" + command);
  }
  void write(const std::string& name, const std::string& bytes) const { std::ofstream(path(name)) << bytes; }
  void copy_base(const std::string& name) const {
    fs::remove_all(path(name));
    fs::copy(path("base/final"), path(name));
  }
  void edit(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = testing::bytes_of(path(file));
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << file << " has no " << from;
    write(file, text.replace(at, from.size(), to));
  }

  void expect(const std::string& program, const std::vector<Case>& cases) const {
    for (const Case& c : cases) {
      c.prepare();
      const ProgramResult result = tool(program + " " + c.arguments);
      EXPECT_EQ(result.exit_code, c.exit_code) << c.name << ": " << result.err;
      EXPECT_TRUE(result.err.starts_with("error: ")) << c.name << ": " << result.err;
      EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << c.name << ": one line, found: " << result.err;
      EXPECT_NE(result.err.find(c.expected), std::string::npos) << c.name << ": " << result.err;
      EXPECT_EQ(result.out, "") << c.name;
      EXPECT_FALSE(fs::exists(path("out"))) << c.name;
    }
  }
};

TEST_F(BadInput, OfConfigEndsWithTwo) {
  write("broken.yaml", "model: {path: [\n");
  expect("rlhf-sft --config sft.yaml", {
                                           {"unknown key", "data.colour=red", 2, "data.colour"},
                                           {"mistyped key", "train.batchsize=8", 2, "batch_size"},
                                           {"out of range", "train.batch_size=0", 2, "at least 1"},
                                           {"wrong type", "train.batch_size=many", 2, "train.batch_size"},
                                       });
  expect("rlhf-sft", {
                         {"broken YAML", "--config broken.yaml", 2, "broken.yaml"},
                         {"no such config", "--config nowhere.yaml", 2, "nowhere.yaml"},
                     });
  fs::create_directories(path("full/of"));
  expect("rlhf-sft --config sft.yaml",
         {{"output folder not empty", "train.output=full", 2, "train.output: expected an empty or absent folder"}});
  EXPECT_FALSE(fs::exists(path("full/config.yaml")));
}

TEST_F(BadInput, OfDataEndsWithThree) {
  write("empty.jsonl", "");
  write("text.jsonl", "hello\n");
  write("type.jsonl", "{\"prompt\": 3, \"completion\": \"x\"}\n");
  write("bytes.jsonl", "{\"prompt\": \"a\xff\", \"completion\": \"x\"}\n");
  write("long.jsonl", "{\"prompt\": \"1+1=1+1=1+1=1+1=1+1=1+1=1+1=1+1=\", \"completion\": \"2\"}\n");
  expect("rlhf-sft --config sft.yaml",
         {
             {"missing file", "data.train=[nowhere.jsonl]", 3, "nowhere.jsonl"},
             {"empty", "data.train=[empty.jsonl]", 3, "empty.jsonl"},
             {"no JSON", "data.train=[text.jsonl]", 3, "text.jsonl:1: "},
             {"field type", "data.train=[type.jsonl]", 3, "type.jsonl:1: prompt: expected a string"},
             {"not UTF-8", "data.train=[bytes.jsonl]", 3, "UTF-8"},
             {"prompts for rlhf-sft", "data.train=[prompts.jsonl]", 3, "rlhf-ppo"},
             {"no trained token", "data.train=[long.jsonl] data.max_length=16 data.over_length=truncate", 3,
              "at least one sample with a trained token"},
         });
  write("question.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}\n");
  write("chat.jsonl", "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n");
  expect("rlhf-sft --config sft.yaml",
         {
             {"no answer", "data.train=[question.jsonl]", 3,
              "question.jsonl:1: messages[0]: expected an assistant turn at the end"},
             {"no chat template", "data.train=[chat.jsonl]", 2, "chat_template: expected one for records of messages"},
             {"a format that is not there", "data.format=alpaca", 3, "expected {\"instruction\", \"output\"}, found"},
             {"a format of rlhf-ppo", "data.format=prompt", 2, "data.format: expected one of auto, messages"},
         });
  expect("rlhf-ppo --config ppo.yaml", {{"missing prompts", "data.prompts=[nowhere.jsonl]", 3, "nowhere.jsonl"}});
}

TEST_F(BadInput, OfModelFilesEndsWithFour) {
  for (const char* name : {"cut", "lying", "misfit", "tokens", "pickle"}) copy_base(name);
  fs::resize_file(path("cut/model.safetensors"), fs::file_size(path("cut/model.safetensors")) - 100);
  edit("lying/model.safetensors", "[0,", "[4,");
  edit("misfit/config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 63");
  edit("tokens/config.json", "\"vocab_size\": 269", "\"vocab_size\": 200");
  fs::rename(path("pickle/model.safetensors"), path("pickle/pytorch_model.bin"));
  expect("rlhf-sft --config sft.yaml", {
                                           {"no such folder", "model.path=nowhere", 4, "nowhere"},
                                           {"file cut short", "model.path=cut", 4, "cut/model.safetensors"},
                                           {"lying header", "model.path=lying", 4, "lying/model.safetensors"},
                                           {"config does not fit the weights", "model.path=misfit", 4, "mlp"},
                                           {"vocabulary does not fit the tokenizer", "model.path=tokens", 4, "269"},
                                           {"pickled weights", "model.path=pickle", 4, "pytorch_model.bin"},
                                       });
  expect("rlhf-ppo --config ppo.yaml", {{"a reward model without a head", "", 4, "model.reward"}});
}

TEST_F(BadInput, OutputThatCannotBeWrittenEndsWithTen) {
  write("file", "");
  expect("rlhf-sft --config sft.yaml", {{"below a file", "train.output=file/run", 10, "file/run"}});
  // Files of at most 1 KiB: config.yaml fits, the model does not. A full disk answers alike, in the middle of a write.
  const ProgramResult full = run_program("cd " + path("") + " && trap '' XFSZ && ulimit -f 8 && OMP_NUM_THREADS=2 " +
                                         bin_dir() + "/rlhf-sft --config sft.yaml");
  EXPECT_EQ(full.exit_code, 10) << full.err;
  EXPECT_NE(full.err.find("error: "), std::string::npos) << full.err;
  EXPECT_FALSE(fs::exists(path("out/final")));
}

TEST_F(BadInput, OnADiskThatIsReadOnlyOrFullEndsWithTen) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small disk";
  fs::create_directories(path("disk"));
  if (run_program("mount -t tmpfs -o size=64k tmpfs " + path("disk")).exit_code != 0)
    GTEST_SKIP() << "this machine does not let root mount a tmpfs";
  const ProgramResult full = tool("rlhf-sft --config sft.yaml train.output=disk/run");
  run_program("mount -o remount,ro " + path("disk"));
  const ProgramResult read_only = tool("rlhf-sft --config sft.yaml train.output=disk/other");
  run_program("umount " + path("disk"));
  EXPECT_EQ(full.exit_code, 10) << full.err;
  EXPECT_NE(full.err.find("No space left"), std::string::npos) << full.err;
  EXPECT_EQ(read_only.exit_code, 10) << read_only.err;
  EXPECT_NE(read_only.err.find("ead-only"), std::string::npos) << read_only.err;
}

}  // namespace
}  // namespace rlhf
