// What a person at a terminal is asked, and how Ctrl-C ends it.
#include <cstdlib>
#include <fstream>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

/// A program on a terminal of its own.
class OnTerminal {
 public:
  explicit OnTerminal(const std::string& command) {
    child_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      setenv("OMP_NUM_THREADS", "2", 1);
      execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      _exit(127);
    }
  }
  ~OnTerminal() { ::close(terminal_); }
  /// Reads until `text` was printed, or the program ended. Returns all output so far.
  const std::string& read_until(const std::string& text) {
    char bytes[256];
    while (output_.find(text) == std::string::npos) {
      const ssize_t count = ::read(terminal_, bytes, sizeof bytes);
      if (count <= 0) break;
      output_.append(bytes, static_cast<std::size_t>(count));
    }
    return output_;
  }
  void type(const std::string& text) const {
    ASSERT_EQ(::write(terminal_, text.data(), text.size()), ssize_t(text.size()));
  }
  int exit_code() {
    read_until("\x01 never printed");
    int status = 0;
    ::waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  int terminal_ = -1;
  pid_t child_ = -1;
  std::string output_;
};

class Terminal : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    const ProgramResult result =
        run_program(bin_dir() +
                    "/rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, "
                    "num_key_value_heads: 1, "
                    "max_position_embeddings: 64}' model.tokenizer=" +
                    path("tokenizer") + " data.train=[" + path("demonstrations.jsonl") +
                    "] train.output=" + path("sft") + " train.max_steps=1 train.device=cpu data.max_length=32");
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  std::string generate(const std::string& flags) const {
    return bin_dir() + "/rlhf-generate --model " + path("sft/final") + " --max-new-tokens 2 " + flags;
  }
};

TEST_F(Terminal, CtrlCEndsAChatThatWaits) {
  OnTerminal chat(generate("--chat --chat-template chatml"));
  ASSERT_NE(chat.read_until("> ").find("> "), std::string::npos);
  chat.type("\x03");
  EXPECT_EQ(chat.exit_code(), 130);
  OnTerminal other(generate("--chat --chat-template chatml"));
  other.read_until("> ");
  other.type("/exit\n");
  EXPECT_EQ(other.exit_code(), 0);
}

TEST_F(Terminal, AsksBeforeItOverwritesAFile) {
  std::ofstream(path("answers.jsonl")) << "precious\n";
  const std::string command = generate("--prompt 1+1= --output " + path("answers.jsonl"));
  OnTerminal no(command);
  ASSERT_NE(no.read_until("[y/N] ").find("answers.jsonl exists. Overwrite it? [y/N] "), std::string::npos);
  no.type("n\n");
  EXPECT_EQ(no.exit_code(), 2);
  EXPECT_EQ(testing::bytes_of(path("answers.jsonl")), "precious\n");
  OnTerminal yes(command);
  yes.read_until("[y/N] ");
  yes.type("y\n");
  EXPECT_EQ(yes.exit_code(), 0);
  EXPECT_NE(testing::bytes_of(path("answers.jsonl")), "precious\n");
}

}  // namespace
}  // namespace rlhf
