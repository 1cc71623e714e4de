// agreement-evaluate arithmetic …: stops the demo (exit code 9) if the model did not learn to add from the text.
// agreement-evaluate compare …: compares the fine-tuned policy with the one after PPO: summary.json, report.html,
// table.
// agreement-evaluate judges …: compares reward models that were trained on the same judgments in different ways.

#include <CLI/CLI.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/records/jsonl.h"

#include "judges.h"
#include "measure.h"
#include "pictures.h"
#include "program.h"
#include "report.h"

namespace {

using std::filesystem::path;

constexpr int kArithmeticFailed = 9;

struct ArithmeticOptions {
  path model, questions;
  double at_least = 0.8;
};

struct CompareOptions {
  path sft, ppo_run, reward, questions, output;
  std::uint64_t seed = 1;
  std::vector<std::string> seconds;
};

struct JudgesOptions {
  path sft, questions, judgments, output;
  std::uint64_t seed = 1;
  std::vector<path> arms;
};

// Parses "text=31.5", the time of a stage as measured by scripts/demo.sh.
std::pair<std::string, double> stage_seconds(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  try {
    return {argument.substr(0, equals), std::stod(argument.substr(equals + 1))};
  } catch (const std::logic_error&) {
    throw rlhf::ConfigError({"--seconds: expected STAGE=SECONDS, found " + argument});
  }
}

int check_arithmetic(const ArithmeticOptions& options) {
  const agreement::Policy policy = agreement::load_policy(options.model);
  const auto questions = agreement::read_questions(options.questions, *policy.tokenizer);
  const double accuracy = agreement::shares_of(agreement::sample_answers(policy, questions, {})).plain_accuracy();
  if (accuracy >= options.at_least) {
    std::cout << "the model has learned to add: " << accuracy << " of the plain questions are answered correctly\n";
    return 0;
  }
  std::cerr << "error: the model has not learned to add: expected at least " << options.at_least
            << " of the plain questions to be answered correctly, found " << accuracy << "; hint: try another SEED\n";
  return kArithmeticFailed;
}

void compare(const CompareOptions& options) {
  const agreement::Policy sft = agreement::load_policy(options.sft);
  const agreement::Policy ppo = agreement::load_policy(options.ppo_run / "final");
  rlhf::ScalarModel reward_model = agreement::load_reward_model(options.reward);
  const auto questions = agreement::read_questions(options.questions, *sft.tokenizer);
  std::vector<std::pair<std::string, double>> seconds;
  for (const std::string& argument : options.seconds) seconds.push_back(stage_seconds(argument));
  const agreement::Sampling sampling{.seed = options.seed};
  const agreement::Summary summary{.seed = options.seed,
                                   .sft = agreement::measure(sft, sft, reward_model, questions, sampling),
                                   .ppo = agreement::measure(ppo, sft, reward_model, questions, sampling),
                                   .seconds = seconds};
  rlhf::write_file_atomically(options.output / "summary.json", agreement::to_json(summary).dump(2) + "\n");
  rlhf::write_file_atomically(options.output / "report.html", agreement::to_html(summary, options.ppo_run));
  std::cout << agreement::to_text(agreement::table_of(summary));
}

/// The votes that an arm needs: `experts` uses only theirs, `truth` an expert on every pair.
agreement::Votes count_votes(const path& judgments, const std::string& arm) {
  agreement::Votes votes;
  rlhf::for_each_json_line(judgments, 0, [&](const rlhf::JsonLine& line) {
    for (const auto& judgment : line.value.at("judgments"))
      ++(judgment.at("role") == "expert" ? votes.expert : votes.crowd);
    votes.pairs += 1;
  });
  if (arm == "experts") return {.expert = votes.expert};
  if (arm == "truth") return {.expert = votes.pairs};
  return votes;
}

void compare_judges(const JudgesOptions& options) {
  const agreement::Policy sft = agreement::load_policy(options.sft);
  const auto questions = agreement::read_questions(options.questions, *sft.tokenizer);
  const agreement::Sampling sampling{.seed = options.seed};
  const agreement::Answers answers = agreement::sample_answers(sft, questions, sampling);
  agreement::PolicySummary before;
  std::vector<agreement::ArmSummary> arms;
  for (const path& folder : options.arms) {
    rlhf::ScalarModel reward_model = agreement::load_reward_model(folder / "rm/final");
    const agreement::Policy policy = agreement::load_policy(folder / "ppo/final");
    if (arms.empty()) before = agreement::measure(sft, sft, reward_model, questions, sampling);
    arms.push_back({.arm = {.name = folder.filename().string(),
                            .votes = count_votes(options.judgments, folder.filename().string())},
                    .reward = agreement::judge_pairs(answers, reward_model),
                    .policy = agreement::measure(policy, sft, reward_model, questions, sampling)});
  }
  const auto judges = agreement::to_json(before, arms);
  rlhf::write_file_atomically(options.output / "judges.json", judges.dump(2) + "\n");
  rlhf::write_file_atomically(options.output / "judges.svg", agreement::judges_picture(judges, rlhf::Theme::light));
  std::cout << agreement::to_text(agreement::table_of(before, arms));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the demo's policies on questions that do not occur in training.");
  app.require_subcommand(1);
  ArithmeticOptions arithmetic;
  CompareOptions comparison;

  CLI::App* check =
      app.add_subcommand("arithmetic", "exit code 9 unless enough plain questions are answered correctly");
  check->add_option("--model", arithmetic.model, "model folder")->required();
  check->add_option("--questions", arithmetic.questions, "eval.jsonl of the world")->required();
  check->add_option("--at-least", arithmetic.at_least, "required share of correct answers");

  CLI::App* both = app.add_subcommand("compare", "writes summary.json and report.html and prints the table");
  both->add_option("--sft", comparison.sft, "folder of the fine-tuned model, the reference")->required();
  both->add_option("--ppo-run", comparison.ppo_run, "run folder of rlhf-ppo")->required();
  both->add_option("--reward", comparison.reward, "reward model folder")->required();
  both->add_option("--questions", comparison.questions, "eval.jsonl of the world")->required();
  both->add_option("--output", comparison.output, "folder to write")->required();
  both->add_option("--seed", comparison.seed, "seed of the answers, recorded in the summary");
  both->add_option("--seconds", comparison.seconds, "time of each stage: text=31.5 sft=8.2 …");

  JudgesOptions judging;
  CLI::App* judges = app.add_subcommand("judges", "writes judges.json and judges.svg and prints the table");
  judges->add_option("--sft", judging.sft, "folder of the fine-tuned model, the reference")->required();
  judges->add_option("--questions", judging.questions, "eval.jsonl of the world")->required();
  judges->add_option("--judgments", judging.judgments, "the judgments, for the number of votes")->required();
  judges->add_option("--output", judging.output, "folder to write")->required();
  judges->add_option("--seed", judging.seed, "seed of the answers");
  judges->add_option("--arms", judging.arms, "folders with rm/final and ppo/final")->required();
  CLI11_PARSE(app, argc, argv);

  int result = 0;
  const int failed = agreement::run_program([&] {
    if (*check) result = check_arithmetic(arithmetic);
    if (*both) compare(comparison);
    if (*judges) compare_judges(judging);
  });
  return failed ? failed : result;
}
