// rlhf-eval: evaluates models; implemented in tools/evaluate_reward.cpp and evaluate_sycophancy.cpp.
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include <string>
#include <string_view>

#include "rlhf/config/reward_evaluation_config.h"
#include "rlhf/config/sycophancy_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/version.h"

#include "front.h"

namespace rlhf {
namespace {

constexpr const char* kHelp =
    R"(usage: rlhf-eval COMMAND [--key value …]

Evaluates models.

  reward                  a report on a reward model: accuracy, calibration, length, noise ceiling
  sycophancy              how far a policy or reward model says what the asker believes; before and after training
  --help                  print this text, or that of a command: rlhf-eval reward --help
  --version               print the version
)";

/// `argv[0]` is the command.
int run_command(int argc, char** argv) {
  const std::string_view command = argc > 0 ? argv[0] : "";
  if (command == "reward") return run_front<RewardEvaluationConfig>(argc, argv);
  if (command == "sycophancy") return run_front<SycophancyConfig>(argc, argv);
  return run_guarded([&] {
    if (command == "--help") return print(kHelp);
    if (command == "--version") return print(std::string("rlhf-eval ") + kVersion + "\n");
    throw ConfigError({"command line: expected the command reward or sycophancy, found " +
                       (command.empty() ? "none" : std::string(command)) + "; hint: rlhf-eval --help"});
  });
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) { return rlhf::run_command(argc - 1, argv + 1); }
