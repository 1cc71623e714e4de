// The order of a run, for all methods.
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <torch/version.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/rank_place.h"
#include "rlhf/core/signals.h"
#include "rlhf/core/version.h"
#include "rlhf/report/run_report.h"
#include "rlhf/tensor/rank_device.h"
#include "rlhf/train/method.h"

#include "agree.h"
#include "announce.h"
#include "fingerprint.h"
#include "loop.h"
#include "memory_error.h"
#include "prepare.h"

namespace rlhf {

namespace {

Fingerprint make_fingerprint(const RunSettings& settings, const Setup& setup, const MethodPlan& plan) {
  Fingerprint fingerprint = plan.inputs;
  fingerprint.insert(settings.fixed_values.begin(), settings.fixed_values.end());
  add_machine(fingerprint, setup, plan.micro_batch_tokens);
  add_text(fingerprint, setup);
  return fingerprint;
}

/// The content of run.json.
nlohmann::json describe_run(const RunSettings& settings, const Setup& setup, const MethodPlan& plan,
                            const Fingerprint& fingerprint) {
  return {{"stage", settings.stage},
          {"total_steps", plan.total_steps},
          {"version", kVersion},
          {"libtorch", TORCH_VERSION},
          {"compute", setup.compute.reason},
          {"began", *setup.templates.now},
          {"plan",
           {{"summary", plan.summary},
            {"data", plan.data},
            {"memory", plan.memory.summary()},
            {"memory_bytes", plan.memory.total()}}},
          {"fingerprint", fingerprint}};
}

/// Writes report.html when the run ends, in whichever way.
class ReportAtEnd {
 public:
  explicit ReportAtEnd(std::filesystem::path run_folder) : run_folder_(std::move(run_folder)) {}
  ~ReportAtEnd() {
    try {
      write_report(run_folder_);
    } catch (const std::exception& error) {
      log_warning(std::string("report.html: ") + error.what());
    }
  }
  ReportAtEnd(const ReportAtEnd&) = delete;
  ReportAtEnd& operator=(const ReportAtEnd&) = delete;

 private:
  std::filesystem::path run_folder_;
};

void load(Method& method, const MemoryForecast& forecast, at::Device device) try {
  method.load();
} catch (const std::exception& error) {
  throw_if_out_of_memory(error, "while models were loaded", forecast, device, /*remains=*/"");
  throw;
}

std::vector<std::string> result_folders(Method& method) {
  std::vector<std::string> folders;
  for (const SavedModel& model : method.models()) folders.push_back("final" + model.suffix);
  return folders;
}

/// As one word of a shell.
std::string shell_word(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The run with RunOptions::eval_only.
RunSummary evaluate_only(Method& method, const RunSettings& settings, const RunOptions& options) {
  if (settings.model.init)
    throw ConfigError({"model.init: expected model.path for an evaluation without training, found a new model"});
  const Setup setup = prepare(settings, /*resume=*/std::nullopt, options, std::make_shared<const Ranks>());
  const MethodPlan plan = method.plan(setup);
  for (const std::string& line : plan.data) log_info("data: " + line);
  log_info("compute: " + setup.compute.reason);
  method.load_to_evaluate();
  const auto record = method.evaluate();
  RunSummary summary{.work = record->work, .evaluation = Evaluation()};
  summary.evaluation->metrics.add(record->metrics(), "eval_");
  std::tie(summary.evaluation->samples, summary.evaluation->available) = method.evaluated_samples();
  return summary;
}

}  // namespace

std::string generate_command(const std::filesystem::path& folder, bool chat) {
  return "rlhf-generate --model " + shell_word(folder.string()) + (chat ? " --chat" : " --prompt TEXT");
}

void Method::load_to_evaluate() {
  throw ConfigError(
      {"eval_only: expected a method that evaluates on files (rlhf-sft, rlhf-rm, rlhf-dpo), found another one"});
}

namespace {

/// Called by every rank; `ranks` are all.
RunSummary run_as_rank(Method& method, const RunSettings& settings, const RunOptions& options,
                       const std::shared_ptr<const Ranks>& ranks) {
  const bool first = ranks->is_first();
  const RunFolder folder(settings.output);
  const std::optional<RunLock> lock = first ? lock_folder(folder, options) : std::nullopt;
  // Rank 0 refuses an unsuitable folder before another one looks into it.
  const auto find = [&] {
    return with_file_errors(ExitCode::output, [&] { return find_resume_point(folder, settings.stage, options); });
  };
  auto resume = first ? find() : std::nullopt;
  const std::string step = from_first(*ranks, resume ? std::to_string(resume->step) : "", "the choice of a checkpoint");
  if (!first && !step.empty()) resume = find();
  // Until the run starts, the only files are those of models and data; the readers of data say themselves what is
  // wrong.
  Setup setup = with_file_errors(ExitCode::model, [&] { return prepare(settings, resume, options, ranks); });
  setup.templates.now =
      std::stoll(from_first(*ranks, first ? std::to_string(beginning_of(folder, resume, options)) : "", "the time"));
  MethodPlan plan = with_file_errors(ExitCode::model, [&] { return method.plan(setup); });
  MemoryLimit limit = available_memory(setup.compute.device);
  limit.bytes /= setup.sharers_of_memory();
  const std::string whole = from_first(*ranks, lends_whole(plan.memory, limit) ? "whole" : "", "how weights are lent");
  setup.lends_whole = !whole.empty();
  add_lent(plan.memory, setup.lends_whole);
  const Announcement announcement{
      plan.summary,
      plan.data,
      describe_adapter(setup.folder),
      setup.compute.reason,
      plan.memory,
      options.cluster ? scale_table(plan.workload, *options.cluster) : std::vector<std::string>(),
      plan.first_samples};
  const auto check_that_it_fits = [&] { check_memory(plan.memory, limit, settings.check_memory); };
  if (options.dry_run) {
    if (first) print(announcement);
    if (!options.cluster) check_that_it_fits();
    return {};
  }

  const Fingerprint fingerprint =
      with_file_errors(ExitCode::model, [&] { return make_fingerprint(settings, setup, plan); });
  Fingerprint common = fingerprint;
  common.insert(settings.values.begin(), settings.values.end());
  check_equal_on_ranks(*ranks, common);
  const bool finished =
      first && already_finished(folder, resume, fingerprint, plan.total_steps, settings.eval, options);
  if (from_first(*ranks, finished ? "finished" : "", "the state of the run") == "finished") {
    if (first) log_finished(folder);
    return {};
  }
  check_that_it_fits();
  with_file_errors(ExitCode::model, [&] { load(method, plan.memory, setup.compute.device); });
  return with_file_errors(ExitCode::output, [&] {
    std::optional<Run> run;
    std::optional<ReportAtEnd> report;
    if (first) {
      run.emplace(folder, *lock,
                  RunStart{settings.config_yaml, describe_run(settings, setup, plan, fingerprint), fingerprint,
                           result_folders(method)},
                  resume, options, settings.log, settings.checkpoint);
      report.emplace(folder.path());
      log(announcement);
    }
    return Loop(method, settings, plan, setup, run ? &*run : nullptr, resume).go();
  });
}

/// The ranks that the environment tells, once they are all there.
std::shared_ptr<const Ranks> join_ranks(const Method& method, const RunSettings& settings, const RunOptions& options) {
  const RankPlace place = read_rank_place();
  const auto refuse = [&](const std::string& what) {
    throw ConfigError({what + ": expected one process, found " + std::to_string(place.size) + " ranks"});
  };
  if (place.size == 1) return std::make_shared<const Ranks>();
  if (!method.shares_work()) refuse("rlhf-" + settings.stage);
  if (options.eval_only) refuse("--eval-only");
  resolve_compute(settings.device, settings.dtype, place);  // a rank without a GPU says so before others wait for it
  if (place.rank > 0) set_log_level(LogLevel::error);       // rank 0 speaks for all
  return std::make_shared<const Ranks>(place);
}

}  // namespace

RunSummary run_method(Method& method, const RunSettings& settings, const RunOptions& options) {
  check_argument(!options.cluster || options.dry_run, "RunOptions::cluster", "dry_run with it", "a run");
  const auto ranks = join_ranks(method, settings, options);
  if (options.eval_only)
    return with_file_errors(ExitCode::model, [&] { return evaluate_only(method, settings, options); });
  // One of several ranks stops only where all do, in the loop.
  const auto deferral = ranks->size() > 1 ? std::make_unique<StopDeferral>() : nullptr;
  try {
    return run_as_rank(method, settings, options, ranks);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    ranks->report_failure(error.what());
    throw;
  }
}

}  // namespace rlhf
