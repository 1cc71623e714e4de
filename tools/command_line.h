#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/config/cluster.h"
#include "rlhf/config/read_config.h"
#include "rlhf/config/show_config.h"

namespace rlhf {

/// A tool: its program and the stage of the engine that does its work.
struct Tool {
  const char* name;
  const char* stage;    ///< first argument of rlhf-engine; empty if the tool does not use the engine
  const char* purpose;  ///< one sentence for --help
  const char* example;  ///< a command line for --help, without the name of the program
  KeyStyle keys;        ///< flag: every key is also a flag (--max-new-tokens 64)
  bool trains;          ///< has --dry-run, --resume, --accept-differences and --ranks
  bool evaluates;       ///< has --eval-only and --eval-output
};

template <typename Config>
constexpr Tool kTool{};
template <>
inline constexpr Tool kTool<SftConfig>{"rlhf-sft",
                                       "sft",
                                       "Fine-tunes a language model on demonstrations or plain text.",
                                       "model.path=my-llama data.train=[demonstrations.jsonl] train.output=runs/sft",
                                       KeyStyle::dotted,
                                       true,
                                       true};
template <>
inline constexpr Tool kTool<RewardModelConfig>{
    "rlhf-rm",
    "rm",
    "Trains a reward model on pairs or rankings of completions.",
    "model.path=runs/sft/final data.train=[pairs.jsonl] train.output=runs/rm",
    KeyStyle::dotted,
    true,
    true};
template <>
inline constexpr Tool kTool<PpoConfig>{
    "rlhf-ppo",
    "ppo",
    "Trains a policy by PPO on the scores of a reward model, with a KL penalty.",
    "model.policy=runs/sft/final model.reward=runs/rm/final data.prompts=[prompts.jsonl] train.output=runs/ppo",
    KeyStyle::dotted,
    true,
    false};
template <>
inline constexpr Tool kTool<DpoConfig>{"rlhf-dpo",
                                       "dpo",
                                       "Trains a policy on pairs or rankings of completions, without a reward model.",
                                       "model.path=runs/sft/final data.train=[pairs.jsonl] train.output=runs/dpo",
                                       KeyStyle::dotted,
                                       true,
                                       true};
template <>
inline constexpr Tool kTool<GenerateConfig>{
    "rlhf-generate",
    "generate",
    "Samples responses to a prompt or a file of prompts, chats, or scores the answers of a file with a reward model.",
    "--model runs/ppo/final --input prompts.jsonl --output answers.jsonl",
    KeyStyle::flag,
    false,
    false};
template <>
inline constexpr Tool kTool<RewardEvaluationConfig>{"rlhf-eval reward",
                                                    "eval-reward",
                                                    "Reports how well a reward model predicts judgments.",
                                                    "--model runs/rm/final --data pairs.jsonl --html report.html",
                                                    KeyStyle::flag,
                                                    false,
                                                    false};

template <>
inline constexpr Tool kTool<SycophancyConfig>{"rlhf-eval sycophancy",
                                              "eval-sycophancy",
                                              "Measures how far a policy or reward model says what the asker believes.",
                                              "--before runs/sft/final --after runs/ppo/final",
                                              KeyStyle::flag,
                                              false,
                                              false};

template <>
inline constexpr Tool kTool<AverageConfig>{"rlhf-average",
                                           "average",
                                           "Averages the weights of models that were trained from the same one.",
                                           "--model runs/rm1/final --model runs/rm2/final --output runs/mean",
                                           KeyStyle::flag,
                                           false,
                                           false};

template <>
inline constexpr Tool kTool<MergeConfig>{"rlhf-merge",
                                         "merge",
                                         "Writes a low-rank adapter and its base model as the folder of one model.",
                                         "--model runs/sft/final --output runs/merged",
                                         KeyStyle::flag,
                                         false,
                                         false};

/// The parsed arguments. Values of keys are overrides ("ppo.kl_coef=0.1").
struct CommandLine {
  std::string config_file;
  std::vector<std::string> overrides;
  bool help = false;
  bool version = false;
  bool print_config = false;
  bool schema = false;
  bool dry_run = false;
  bool resume = false;
  bool accept_differences = false;
  bool eval_only = false;
  std::string eval_output;
  std::optional<int> ranks;        ///< --ranks
  std::optional<Cluster> cluster;  ///< --world, --nodes, --gpu
};

/// Throws ConfigError for flags that `tool` does not have. `options` are the keys of its config.
CommandLine parse_command_line(const Tool& tool, const Section& options, int argc, const char* const* argv);

/// A path on the command line, with the home folder for a leading ~ (config/user_path.h). `name` is for the error.
/// Throws ConfigError.
std::string path_argument(const std::string& name, const std::string& text);

/// The text of --help.
std::string help_text(const Tool& tool, const Section& options);

/// Validation of the tools beyond validate(): rlhf-ppo needs a reward model, while a C++ caller can pass a reward
/// source.
template <typename Config>
std::vector<Issue> tool_rules(const Config& config) {
  return default_rules(config);
}
template <>
std::vector<Issue> tool_rules(const PpoConfig& config);

/// The rules of --eval-only: those of a run without the ones about its folder and about training data, if there are
/// data to evaluate.
std::vector<Issue> evaluation_rules(std::vector<Issue> rules_of_run, const ModelOptions& model,
                                    const DataOptions& data);

template <typename Config>
struct Command {
  CommandLine line;
  Config config;  ///< read and checked; the defaults if the command line asks for help, version or schema
};

/// Parses the command line and reads the config. Front and engine call this with the same arguments, so they get the
/// same config. Throws ConfigError with all faults.
template <typename Config>
Command<Config> parse_command(int argc, const char* const* argv) {
  Command<Config> command;
  command.line = parse_command_line(kTool<Config>, bind(command.config), argc, argv);
  const CommandLine& line = command.line;
  if (line.help || line.version || line.schema) return command;
  command.config = read_config<Config>(line.config_file, line.overrides, [&](const Config& config) {
    std::vector<Issue> issues = tool_rules(config);
    if constexpr (requires { evaluation_rules(issues, config.model, config.data); }) {
      if (line.eval_only) return evaluation_rules(std::move(issues), config.model, config.data);
    }
    return issues;
  });
  return command;
}

}  // namespace rlhf
