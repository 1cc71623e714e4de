// rlhf-feedback: work on human feedback.
#include <string>

#include <CLI/CLI.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/version.h"

#include "feedback_convert.h"
#include "front.h"
#include "run_guarded.h"

namespace rlhf {
namespace {

constexpr const char* kHelp =
    R"(usage: rlhf-feedback COMMAND [arguments]

Works on human feedback: who said what about which response.

  convert                 convert feedback from one format to another
  --help                  print this text, or that of a command: rlhf-feedback convert --help
  --version               print the version
)";

struct FeedbackOptions {
  ConvertOptions convert;
  bool help = false, version = false, converts = false;
};

FeedbackOptions parse(int argc, const char* const* argv) {
  FeedbackOptions options;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--help", options.help);
  app.add_flag("--version", options.version);
  CLI::App* const convert = app.add_subcommand("convert");
  convert->set_help_flag();
  convert->allow_extras();
  ConvertOptions& to = options.convert;
  convert->add_option("file", to.file);
  convert->add_option("--from", to.from);
  convert->add_option("--to", to.to);
  convert->add_option("--output", to.output);
  convert->add_option("--pseudonyms", to.pseudonyms);
  convert->add_option("--field", to.fields)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  convert->add_option("--role", to.role);
  convert->add_option("--annotator", to.annotator);
  convert->add_flag("--overwrite", to.overwrite);
  convert->add_flag("--help", options.help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    throw ConfigError({std::string("command line: ") + e.what()});
  }
  options.converts = convert->parsed();
  for (const std::string& extra : app.remaining(/*recurse=*/true)) {
    const std::string what = extra.starts_with('-') ? "unknown flag " : "unknown argument ";
    throw ConfigError({"command line: " + what + extra + "; hint: --help lists all of them"});
  }
  return options;
}

void run(const FeedbackOptions& options) {
  if (options.help) return print(options.converts ? convert_help() : kHelp);
  if (options.version) return print(std::string("rlhf-feedback ") + kVersion + "\n");
  if (!options.converts)
    throw ConfigError({"command line: expected a command, found none; hint: rlhf-feedback convert --help"});
  convert(options.convert);
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) {
  return rlhf::run_guarded([&] { rlhf::run(rlhf::parse(argc, argv)); });
}
