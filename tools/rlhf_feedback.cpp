// rlhf-feedback: work on human feedback.
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/version.h"

#include "feedback_audit.h"
#include "feedback_convert.h"
#include "feedback_simulate.h"
#include "front.h"
#include "run_guarded.h"

namespace rlhf {
namespace {

constexpr const char* kHelp =
    R"(usage: rlhf-feedback COMMAND [arguments]

Works on human feedback: who said what about which response.

  audit                   who can be trusted, what the annotators pay for, and where they disagree
  convert                 convert feedback from one format to another
  simulate                judgments of annotators whose reliability and biases are known; how many votes a plan needs
  --help                  print this text, or that of a command: rlhf-feedback convert --help
  --version               print the version
)";

struct FeedbackOptions {
  ConvertOptions convert;
  AuditOptions audit;
  SimulateOptions simulate;
  bool help = false, version = false;
  bool converts = false, audits = false, simulates = false;
};

CLI::App* add_command(CLI::App& app, const std::string& name, bool& help) {
  CLI::App* const command = app.add_subcommand(name);
  command->set_help_flag();
  command->allow_extras();
  command->add_flag("--help", help);
  return command;
}

/// A flag that may be repeated.
void add_list(CLI::App* command, const std::string& flag, std::vector<std::string>& values) {
  command->add_option(flag, values)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_source(CLI::App* command, FeedbackSource& source) {
  command->add_option("file", source.file);
  command->add_option("--from", source.from);
  add_list(command, "--field", source.fields);
  command->add_option("--role", source.role);
  command->add_option("--annotator", source.annotator);
}

CLI::App* add_convert(CLI::App& app, ConvertOptions& options, bool& help) {
  CLI::App* const command = add_command(app, "convert", help);
  add_source(command, options.source);
  command->add_option("--to", options.to);
  command->add_option("--output", options.output);
  command->add_option("--pseudonyms", options.pseudonyms);
  command->add_flag("--overwrite", options.overwrite);
  return command;
}

CLI::App* add_audit(CLI::App& app, AuditOptions& options, bool& help) {
  CLI::App* const command = add_command(app, "audit", help);
  add_source(command, options.source);
  command->add_flag("--json", options.json);
  command->add_option("--html", options.html);
  command->add_flag("--overwrite", options.overwrite);
  return command;
}

CLI::App* add_simulate(CLI::App& app, SimulateOptions& options, bool& help) {
  CLI::App* const command = add_command(app, "simulate", help);
  command->add_option("file", options.file);
  command->add_option("--output", options.output);
  command->add_flag("--overwrite", options.overwrite);
  add_list(command, "--annotators", options.annotators);
  command->add_option("--votes", options.votes);
  add_list(command, "--experts", options.experts);
  command->add_option("--expert-share", options.expert_share);
  command->add_option("--pairs", options.population.pairs);
  command->add_option("--hinted", options.population.hinted);
  command->add_option("--wrong-hints", options.population.wrong_hints);
  command->add_option("--domains", options.population.domains);
  command->add_option("--quality-spread", options.population.quality_spread);
  command->add_option("--seed", options.seed);
  command->add_flag("--power", options.power);
  return command;
}

FeedbackOptions parse(int argc, const char* const* argv) {
  FeedbackOptions options;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--help", options.help);
  app.add_flag("--version", options.version);
  const CLI::App* const convert = add_convert(app, options.convert, options.help);
  const CLI::App* const audit = add_audit(app, options.audit, options.help);
  const CLI::App* const simulate = add_simulate(app, options.simulate, options.help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    throw ConfigError({std::string("command line: ") + e.what()});
  }
  options.converts = convert->parsed();
  options.audits = audit->parsed();
  options.simulates = simulate->parsed();
  for (const std::string& extra : app.remaining(/*recurse=*/true)) {
    const std::string what = extra.starts_with('-') ? "unknown flag " : "unknown argument ";
    throw ConfigError({"command line: " + what + extra + "; hint: --help lists all of them"});
  }
  return options;
}

std::string help_of(const FeedbackOptions& options) {
  if (options.converts) return convert_help();
  if (options.audits) return audit_help();
  return options.simulates ? simulate_help() : kHelp;
}

void run(const FeedbackOptions& options) {
  if (options.help) return print(help_of(options));
  if (options.version) return print(std::string("rlhf-feedback ") + kVersion + "\n");
  if (options.converts) return convert(options.convert);
  if (options.audits) return audit(options.audit);
  if (options.simulates) return simulate(options.simulate);
  throw ConfigError({"command line: expected a command, found none; hint: rlhf-feedback --help"});
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) {
  return rlhf::run_guarded([&] { rlhf::run(rlhf::parse(argc, argv)); });
}
