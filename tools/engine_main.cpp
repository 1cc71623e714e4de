// rlhf-engine: the part of the tools that links LibTorch. The fronts (front.h) start it as `rlhf-engine STAGE
// arguments…`, with arguments that they have checked.
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/out_of_memory.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "average.h"
#include "command_line.h"
#include "evaluate_reward.h"
#include "evaluate_sycophancy.h"
#include "evaluation.h"
#include "generate.h"
#include "merge.h"
#include "run_guarded.h"

namespace rlhf {
namespace {

RunOptions run_options(const CommandLine& line) {
  return {.dry_run = line.dry_run,
          .cluster = line.cluster,
          .resume = line.resume,
          .accept_differences = line.accept_differences,
          .eval_only = line.eval_only};
}

template <typename Config, typename Run>
void run_with(int argc, char** argv, Run&& run) {
  const Command<Config> command = parse_command<Config>(argc, argv);
  run(command.config, run_options(command.line));
}

/// A run that may be an evaluation only, whose result is then printed.
template <typename Config, typename Run>
void run_or_evaluate(int argc, char** argv, Run&& run) {
  const Command<Config> command = parse_command<Config>(argc, argv);
  const RunSummary done = run(command.config, run_options(command.line));
  if (done.evaluation) show_evaluation(*done.evaluation, command.config.model.path, command.line.eval_output);
}

/// `argv[0]` is the stage.
void run_stage(int argc, char** argv) {
  const std::string_view stage = argc > 0 ? argv[0] : "";
  if (stage == kTool<SftConfig>.stage) {
    run_or_evaluate<SftConfig>(
        argc, argv, [](const auto& config, const RunOptions& options) { return train_sft(config, options); });
  } else if (stage == kTool<RewardModelConfig>.stage) {
    run_or_evaluate<RewardModelConfig>(argc, argv, [](const auto& config, const RunOptions& options) {
      RunSummary done = train_reward_model(config, options);
      log_reward_report(done.pairs, options.eval_only ? config.model.path : config.train.output + "/final");
      return done;
    });
  } else if (stage == kTool<PpoConfig>.stage) {
    run_with<PpoConfig>(argc, argv, [](const auto& config, const RunOptions& options) { train_ppo(config, options); });
  } else if (stage == kTool<DpoConfig>.stage) {
    run_or_evaluate<DpoConfig>(
        argc, argv, [](const auto& config, const RunOptions& options) { return train_dpo(config, options); });
  } else if (stage == kTool<GenerateConfig>.stage) {
    run_with<GenerateConfig>(argc, argv, [](const auto& config, const RunOptions&) {
      with_file_errors(ExitCode::model, [&] { run_generate(config); });
    });
  } else if (stage == kTool<RewardEvaluationConfig>.stage) {
    run_with<RewardEvaluationConfig>(argc, argv, [](const auto& config, const RunOptions&) {
      with_file_errors(ExitCode::model, [&] { evaluate_reward(config); });
    });
  } else if (stage == kTool<AverageConfig>.stage) {
    run_with<AverageConfig>(argc, argv, [](const auto& config, const RunOptions&) {
      with_file_errors(ExitCode::model, [&] { average(config); });
    });
  } else if (stage == kTool<MergeConfig>.stage) {
    run_with<MergeConfig>(argc, argv, [](const auto& config, const RunOptions&) {
      with_file_errors(ExitCode::model, [&] { merge(config); });
    });
  } else if (stage == kTool<SycophancyConfig>.stage) {
    run_with<SycophancyConfig>(argc, argv, [](const auto& config, const RunOptions&) {
      with_file_errors(ExitCode::model, [&] { evaluate_sycophancy(config); });
    });
  } else {
    throw ConfigError(
        {"rlhf-engine: expected to be started by rlhf-sft, rlhf-rm, rlhf-ppo, rlhf-dpo, rlhf-generate, rlhf-eval, "
         "rlhf-average or rlhf-merge, found \"" +
         std::string(stage) + "\" as the stage; hint: run one of these tools"});
  }
}

/// Turns exceptions of LibTorch into one line: DeviceError if memory ran out; everything else is a bug of the library.
void run_on_libtorch(int argc, char** argv) try { run_stage(argc, argv); } catch (const c10::Error& error) {
  const std::string message = error.what_without_backtrace();
  if (!out_of_memory(error)) throw std::runtime_error(message);
  throw DeviceError("out of memory: " + message.substr(0, message.find('\n')) +
                    "; hint: lower train.micro_batch_tokens, rollout.batch_size or --batch-size");
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) {
  rlhf::install_signal_handlers();
  rlhf::end_process(rlhf::run_guarded([&] { rlhf::run_on_libtorch(argc - 1, argv + 1); }));
}
