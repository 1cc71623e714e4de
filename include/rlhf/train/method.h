#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/metrics_list.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/show_config.h"
#include "rlhf/config/train_options.h"
#include "rlhf/train/fingerprint.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/run_options.h"
#include "rlhf/train/scale_plan.h"
#include "rlhf/train/setup.h"
#include "rlhf/train/step_record.h"
#include "rlhf/train/trainee.h"

/// A method (SFT, reward model, PPO, or your own) defines its data, its step, its evaluation and its saved models.
/// run_method() does everything else for all methods: output folder, tokenizer, plan, --dry-run, fingerprint, resume,
/// loop, learning rate, metrics, checkpoints, best/ and final/. examples/rloo shows how to add a method.
namespace rlhf {

/// What a run will do, known before any weight is loaded.
struct MethodPlan {
  std::int64_t total_steps = 0;
  std::int64_t micro_batch_tokens = 0;
  std::string summary;            ///< one line: samples, steps, micro-batches
  std::vector<std::string> data;  ///< DataReport::lines()
  MemoryForecast memory;
  std::vector<std::string> first_samples;  ///< printed by --dry-run and logged
  Fingerprint inputs;                      ///< checksums of data and models (train/fingerprint.h); not if setup.dry_run
  Workload workload;                       ///< of a step; only if setup.cluster is set
};

/// A trainee and its name in checkpoints.
struct NamedTrainee {
  std::string name;
  Trainee& trainee;
};

/// A model folder that a run writes: final<suffix>/ at the end, best<suffix>/ after the best evaluation so far.
struct SavedModel {
  std::string suffix;                     ///< "" for the main model of the run; for others for example "-value"
  std::function<TensorStream()> weights;  ///< Trainee::file_tensors(): all ranks take them
  std::function<void(const TensorStream& weights, const std::filesystem::path&)> save;  ///< called by rank 0
};

/// The command line that generates text with a model, as a chat or for one prompt: "rlhf-generate --model FOLDER …".
std::string generate_command(const std::filesystem::path& folder, bool chat = false);

/// The position of a run at the start of a step.
struct StepPosition {
  std::int64_t step = 0;   ///< number of completed steps
  double lr_factor = 1.0;  ///< learning rate relative to its peak
};

class Method {
 public:
  virtual ~Method() = default;

  /// Reads data and model folders, but loads no weights. `setup` outlives the run. Errors: classes of core/error.h.
  virtual MethodPlan plan(const Setup& setup) = 0;
  /// Whether several processes can share the work of a run: each computes its part of a step, and sums are exchanged.
  virtual bool shares_work() const { return false; }
  /// Loads the models and creates the trainees. Not called for --dry-run and finished runs.
  virtual void load() = 0;

  /// Called once in the loop before anything else, after restore_numbers() in a resumed run: for what is computed only
  /// once, from the initial models, and saved in numbers() or tensors(). `step` is the number of completed steps.
  virtual void start(std::int64_t /*step*/) {}
  /// Runs one step. It may throw Interrupted (from stop_if_signalled()) only before any state has changed; protect the
  /// rest with a StopDeferral. The step must depend only on the position, the trainees, numbers() and tensors(), so
  /// that a resumed run ends with the same bits.
  virtual std::unique_ptr<StepRecord> step(const StepPosition& at) = 0;
  /// Whether there is evaluation data, so that evaluate() can be called.
  virtual bool evaluates() const { return false; }
  virtual std::unique_ptr<StepRecord> evaluate() { return nullptr; }
  /// Loads what evaluate() needs, for RunOptions::eval_only; load() is then not called.
  /// Throws ConfigError if the method does not support it, which is the default.
  virtual void load_to_evaluate();
  /// The number of samples that evaluate() uses, and the number that there are.
  virtual std::pair<std::int64_t, std::int64_t> evaluated_samples() const { return {0, 0}; }
  /// The metric of an evaluation by which the best one is chosen if eval.best_by is not set.
  virtual std::string main_metric() const { return "eval_loss"; }
  /// The better direction of a metric of an evaluation ("eval_loss"), for eval.best_by.
  virtual Better better(const std::string& /*metric*/) const { return Better::lower; }
  /// Generates a few lines {"prompt", "response"} for samples.jsonl; may be empty. All ranks call it, and all generate
  /// the same.
  virtual std::vector<nlohmann::ordered_json> show() { return {}; }

  /// The content of a checkpoint: the trainees, and further numbers.
  virtual std::vector<NamedTrainee> trainees() = 0;
  virtual nlohmann::json numbers() const { return nlohmann::json::object(); }
  virtual void restore_numbers(const nlohmann::json&) {}
  /// Further tensors: views, to which a resume copies what the checkpoint has, after restore_numbers().
  virtual NamedTensors tensors() { return {}; }
  /// Called by all ranks before models() are written.
  virtual void before_saving() {}
  virtual std::vector<SavedModel> models() = 0;
  /// Writes further results into the run folder and returns their paths; called once, at the end of training.
  virtual std::vector<std::filesystem::path> write_results(const std::filesystem::path& /*folder*/) { return {}; }
  /// A command that uses the main model, which was saved in `folder`; logged at the end of the run.
  virtual std::string next_command(const std::filesystem::path& folder) const { return generate_command(folder); }
};

/// The parts of a config that run_method() uses.
struct RunSettings {
  std::string stage;   ///< name of the method in run.json and in messages: "sft"
  ModelOptions model;  ///< the model of Setup: its folder, tokenizer and templates
  std::string prompt_template, chat_template;
  std::string output;
  std::int64_t seed = 0;
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::auto_;
  bool recompute = false;             ///< train.recompute
  std::optional<double> router_loss;  ///< train.router_aux_loss_coef
  bool check_memory = true;           ///< refuse a run whose memory forecast exceeds what is available
  std::optional<std::int64_t> threads, micro_batch_tokens;
  Sharding sharding = Sharding::none;
  LrScheduleOptions lr_schedule;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LogOptions log;
  std::string config_yaml;                          ///< the effective config, for config.yaml
  std::map<std::string, std::string> fixed_values;  ///< of the config, what a resumed run must not change
  std::map<std::string, std::string> values;        ///< of the config, what all ranks must have in common
};

/// The RunSettings of a config with the sections model (with `path` or `policy`), data, train, lr_schedule, checkpoint,
/// log and, optionally, eval.
template <Described Config>
RunSettings run_settings(std::string stage, const Config& config) {
  RunSettings settings;
  settings.stage = std::move(stage);
  if constexpr (requires { config.model.policy; }) {
    settings.model.path = config.model.policy;
    settings.model.lora = config.model.lora;
  } else {
    settings.model = config.model;
  }
  settings.prompt_template = config.data.template_;
  settings.chat_template = config.data.chat_template;
  settings.output = config.train.output;
  settings.seed = config.train.seed;
  settings.device = config.train.device;
  settings.dtype = config.train.dtype;
  settings.recompute = config.train.recompute;
  settings.router_loss = config.train.router_aux_loss_coef;
  settings.check_memory = config.train.check_memory;
  settings.threads = config.train.threads;
  settings.sharding = config.train.shard;
  settings.micro_batch_tokens = config.train.micro_batch_tokens;
  settings.lr_schedule = config.lr_schedule;
  if constexpr (requires { config.eval; }) settings.eval = config.eval;
  settings.checkpoint = config.checkpoint;
  settings.log = config.log;
  settings.config_yaml = to_yaml(config);
  settings.fixed_values = fixed_values(config);
  settings.values = flat_values(config);
  return settings;
}

/// Runs `method` completely, from the check of the output folder to final/, or only its evaluation (options.eval_only).
/// Writes nothing before all checks have passed. Errors: all classes of core/error.h; Interrupted after a signal, when
/// a checkpoint is saved.
RunSummary run_method(Method& method, const RunSettings& settings, const RunOptions& options = {});

}  // namespace rlhf
