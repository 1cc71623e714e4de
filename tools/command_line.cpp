// Parses command lines and prints --help.
#include "command_line.h"

#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include "rlhf/config/suggest.h"
#include "rlhf/config/user_path.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

/// Which tools have a flag.
enum class Only { all, training, evaluating };

struct Flag {
  const char* name;
  bool CommandLine::*member;
  Only only;
  const char* doc;
};
constexpr Flag kFlags[] = {
    {"--dry-run", &CommandLine::dry_run, Only::training,
     "print the plan, the memory forecast and the first samples, and exit without training"},
    {"--resume", &CommandLine::resume, Only::training,
     "resume from the newest checkpoint in train.output, or start if there is none"},
    {"--accept-differences", &CommandLine::accept_differences, Only::training,
     "resume, or use a model folder, although data, machine or template differ"},
    {"--eval-only", &CommandLine::eval_only, Only::evaluating,
     "train nothing: evaluate model.path on data.eval (or a held-out share, or data.train)"},
    {"--print-config", &CommandLine::print_config, Only::all, "print the effective config as YAML"},
    {"--schema", &CommandLine::schema, Only::all, "print the JSON schema of the config, for editors"},
    {"--help", &CommandLine::help, Only::all, "print this text"},
    {"--version", &CommandLine::version, Only::all, "print the version"},
};

constexpr const char* kEvalOutput = "--eval-output";
constexpr const char* kRanks = "--ranks";
constexpr const char* kWorld = "--world";
constexpr const char* kNodes = "--nodes";
constexpr const char* kGpu = "--gpu";

bool applies(const Flag& flag, const Tool& tool) {
  switch (flag.only) {
    case Only::training:
      return tool.trains;
    case Only::evaluating:
      return tool.evaluates;
    case Only::all:
      break;
  }
  return true;
}

/// The flags that exclude each other.
void check_together(const CommandLine& line, std::vector<std::string>& faults) {
  if (line.eval_only && (line.dry_run || line.resume))
    faults.push_back(std::string("command line: expected --eval-only alone, found it with ") +
                     (line.dry_run ? "--dry-run" : "--resume"));
  if (!line.eval_only && !line.eval_output.empty())
    faults.push_back(std::string("command line: ") + kEvalOutput +
                     ": expected --eval-only with it, found no such flag");
  if (line.ranks && (*line.ranks < 1 || *line.ranks > kMostRanks))
    faults.push_back(std::string("command line: ") + kRanks + ": expected a number from 1 to " +
                     std::to_string(kMostRanks) + ", found " + std::to_string(*line.ranks));
}

/// "h100, h200, a100, l40s"
std::string gpu_names() {
  std::string names;
  for (const std::string_view name : kGpuNames) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

/// --world, --nodes and --gpu as they were given.
struct ClusterFlags {
  std::optional<int> world, nodes;
  std::optional<std::string> gpu;

  bool given() const { return world || nodes || gpu; }
  /// What is wrong with them, without "command line: ", or "".
  std::string fault(bool dry_run) const;
  /// Only if fault() is "".
  Cluster cluster() const { return {*world, nodes.value_or(default_nodes(*world)), *gpu_of_name(*gpu)}; }
};

std::string ClusterFlags::fault(bool dry_run) const {
  const auto expected = [](const std::string& flag, const std::string& what, const std::string& found) {
    return flag + ": expected " + what + ", found " + found;
  };
  const std::string first = world ? kWorld : nodes ? kNodes : kGpu;
  const std::string gpus = gpu_names();
  if (!dry_run) return expected(first, "--dry-run with it", "no such flag");
  if (!world) return expected(first, "--world with it", "no such flag");
  if (!gpu) return expected(first, "--gpu with it (" + gpus + ")", "no such flag");
  if (*world < 1 || *world > kMostRanks)
    return expected(kWorld, "a number from 1 to " + std::to_string(kMostRanks), std::to_string(*world));
  if (!gpu_of_name(*gpu)) return expected(kGpu, "one of " + gpus, *gpu);
  const int machines = nodes.value_or(default_nodes(*world));
  if (machines < 1 || *world % machines != 0)
    return expected(kNodes, "a divisor of --world " + std::to_string(*world),
                    std::to_string(machines) + (nodes ? "" : ", the default; hint: give --nodes"));
  return "";
}

/// The value of a key that was given as a flag, written as the right side of an override.
std::string override_value(const Option& option, const std::vector<std::string>& values) {
  if (std::holds_alternative<std::vector<std::string>*>(option.slot)) {
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "[" : ", ") + quoted_yaml(value);
    return list + "]";
  }
  const bool is_text = std::holds_alternative<std::string*>(option.slot);
  return is_text ? quoted_yaml(values.back()) : values.back();
}

/// One CLI option per key, for tools whose keys are flags.
class KeyFlags {
 public:
  KeyFlags(CLI::App& app, const Section& options) : leaves_(leaves(options)) {
    for (const Leaf& leaf : leaves_) {
      const Slot& slot = leaf.option->slot;
      const std::string name = flag_name(leaf.path);
      CLI::Option* flag = std::holds_alternative<bool*>(slot) ? app.add_flag(name) : app.add_option(name);
      if (std::holds_alternative<std::vector<std::string>*>(slot))  // may be repeated; each value is one text
        flag->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      flags_.push_back(flag);
    }
  }
  std::vector<std::string> overrides() const {
    std::vector<std::string> overrides;
    for (std::size_t i = 0; i < flags_.size(); ++i) {
      if (flags_[i]->count() == 0) continue;
      overrides.push_back(leaves_[i].path + "=" + override_value(*leaves_[i].option, flags_[i]->results()));
    }
    return overrides;
  }

 private:
  std::vector<Leaf> leaves_;
  std::vector<CLI::Option*> flags_;
};

/// The error for an unknown flag. "--kl_coef=0.1" is not a flag, but the error can name the key that was meant.
std::string unknown_flag(const Tool& tool, const Section& options, const std::string& argument) {
  const std::string fault = "command line: unknown flag " + argument;
  if (!argument.starts_with("--")) return fault + "; hint: --help lists all of them";
  std::string name = argument.substr(2, argument.find('=') - 2);
  std::vector<std::string> known = {"--config"};
  if (tool.evaluates) known.push_back(kEvalOutput);
  if (tool.trains) known.insert(known.end(), {kRanks, kWorld, kNodes, kGpu});
  for (const Flag& flag : kFlags) {
    if (applies(flag, tool)) known.push_back(flag.name);
  }
  if (tool.keys == KeyStyle::flag) {
    for (const Leaf& leaf : leaves(options)) known.push_back(flag_name(leaf.path));
  }
  const auto meant_flag = nearest("--" + name, {known.begin(), known.end()});
  if (meant_flag) return fault + "; did you mean `" + *meant_flag + "`?";
  std::replace(name.begin(), name.end(), '-', '_');
  const auto meant_key = suggest_key(options, "", name);
  if (!meant_key) return fault + "; hint: --help lists all of them";
  const bool as_flag = tool.keys == KeyStyle::flag;
  return fault + "; did you mean `" + (as_flag ? flag_name(*meant_key) : *meant_key + "=…") + "`?";
}

}  // namespace

CommandLine parse_command_line(const Tool& tool, const Section& options, int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_option("--config", line.config_file);
  app.add_option("overrides", line.overrides);
  if (tool.evaluates) app.add_option(kEvalOutput, line.eval_output);
  ClusterFlags cluster;
  if (tool.trains) {
    app.add_option(kRanks, line.ranks);
    app.add_option(kWorld, cluster.world);
    app.add_option(kNodes, cluster.nodes);
    app.add_option(kGpu, cluster.gpu);
  }
  for (const Flag& flag : kFlags) {
    if (applies(flag, tool)) app.add_flag(flag.name, line.*flag.member);
  }
  std::optional<KeyFlags> keys;
  if (tool.keys == KeyStyle::flag) keys.emplace(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    throw ConfigError({std::string("command line: ") + e.what()});
  }
  std::vector<std::string> faults;
  for (const std::string& argument : app.remaining()) faults.push_back(unknown_flag(tool, options, argument));
  check_together(line, faults);
  const std::string fault = cluster.given() ? cluster.fault(line.dry_run) : "";
  if (!fault.empty()) faults.push_back("command line: " + fault);
  if (!faults.empty()) throw ConfigError(std::move(faults));
  if (cluster.given()) line.cluster = cluster.cluster();
  line.config_file = path_argument("--config", line.config_file);
  line.eval_output = path_argument(kEvalOutput, line.eval_output);
  if (keys) {
    for (std::string& text : keys->overrides()) line.overrides.push_back(std::move(text));
  }
  return line;
}

std::string path_argument(const std::string& name, const std::string& text) {
  UserPath path = expand_path(text);
  if (!path.fault.empty()) throw ConfigError({"command line: " + name + ": " + path.fault});
  return std::move(path.path);
}

std::string help_text(const Tool& tool, const Section& options) {
  constexpr std::size_t kFlagColumn = 24;
  const auto row = [=](std::string flag, const std::string& doc) {
    flag.resize(std::max(kFlagColumn, flag.size() + 2), ' ');
    return "  " + flag + doc + "\n";
  };
  const bool as_flags = tool.keys == KeyStyle::flag;
  std::string text = std::string("usage: ") + tool.name + (as_flags ? " [--key value …]" : " [key=value …]") +
                     " [--config FILE] [flags]\n\n" + tool.purpose + "\nexample: " + tool.name + " " + tool.example +
                     "\n\n";
  text += row("--config FILE", "YAML or JSON file with the keys below");
  if (as_flags) text += row("--key value", "set a key; a key that is true or false: --key, or --key=false");
  text += row("key=value", tool.trains ? "set a key, for example train.seed=1; overrides the file"
                                       : "the same; both override the file");
  for (const Flag& flag : kFlags) {
    if (applies(flag, tool)) text += row(flag.name, flag.doc);
    if (flag.member == &CommandLine::eval_only && tool.evaluates)
      text += row(std::string(kEvalOutput) + " FILE", "with --eval-only: also write the metrics to FILE as JSON");
    if (flag.member == &CommandLine::dry_run && tool.trains) {
      text += row(std::string(kWorld) + " N", "with --dry-run: plan for N GPUs that need not be here (docs/scale.md)");
      text += row(std::string(kGpu) + " NAME", "with --world: kind of the GPUs: " + gpu_names());
      text += row(std::string(kNodes) + " M", "with --world: number of machines; default: one for eight GPUs");
    }
    if (flag.member == &CommandLine::accept_differences && tool.trains)
      text += row(std::string(kRanks) + " N", "share the work among N processes on this machine (docs/ranks.md)");
  }
  return text + "\n" + to_help(options, tool.keys);
}

template <>
std::vector<Issue> tool_rules(const PpoConfig& config) {
  std::vector<Issue> issues = validate(config);
  if (config.model.reward.empty() && config.reward.terms.empty()) {
    issues.push_back({{"model.reward"}, "expected the folder of the reward model, or reward.terms, found nothing"});
  }
  return issues;
}

std::vector<Issue> evaluation_rules(std::vector<Issue> rules_of_run, const ModelOptions& model,
                                    const DataOptions& data) {
  std::erase_if(rules_of_run, [&](const Issue& issue) {
    const std::string& key = issue.keys.front();
    return key == "train.output" || (key == "data.train" && data.train.empty() && !data.eval.empty());
  });
  if (model.init) rules_of_run.push_back({{"model.init"}, "expected model.path with --eval-only, found a new model"});
  return rules_of_run;
}

}  // namespace rlhf
