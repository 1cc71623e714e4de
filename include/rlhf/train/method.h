#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/metrics_list.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/show_config.h"
#include "rlhf/config/train_options.h"
#include "rlhf/nn/optimizer.h"
#include "rlhf/nn/trained_weights.h"
#include "rlhf/train/fingerprint.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/run_options.h"
#include "rlhf/train/setup.h"
#include "rlhf/train/step_record.h"

/// A method (SFT, reward model, PPO, one of your own) says what its data, its step, its evaluation and its saved models
/// are. run_method() does everything around them once for all: output folder, tokenizer, plan, --dry-run, fingerprint,
/// resume, loop, learning rate, metrics, checkpoints, best/ and final/. examples/rloo adds a method in this way.
namespace rlhf {

/// What a run will do, known before any weight is loaded.
struct MethodPlan {
  std::int64_t total_steps = 0;
  std::int64_t micro_batch_tokens = 0;
  std::string summary;            ///< one line: how the data becomes steps
  std::vector<std::string> data;  ///< what became of the records, DataReport::lines()
  MemoryForecast memory;
  std::vector<std::string> first_samples;  ///< for --dry-run and the log
  Fingerprint inputs;                      ///< checksums of data and models (train/fingerprint.h)
};

/// A model that is trained: its weights and the optimizer that steps them.
struct Trainee {
  TrainedWeights weights;
  AdamW optimizer;

  Trainee(const Parameters& parameters, const OptimizerOptions& options)
      : weights(parameters), optimizer(weights, options) {}

  /// Steps with `lr` and returns the gradient norm. Throws NumericsError if that is not finite; no weight changed then.
  /// `name` ("policy") and `step` (0-based) are for the message.
  double take_step(double lr, const std::string& name, std::int64_t step);
};

/// A Trainee under the name that checkpoints use.
struct NamedTrainee {
  std::string name;
  Trainee& trainee;
};

/// A model folder that a run writes: final<suffix>/ at the end, best<suffix>/ after the best evaluation.
struct SavedModel {
  std::string suffix;  ///< "" for the run's main model, else "-value" or the like
  std::function<void(const std::filesystem::path&)> save;
};

/// Where a run is when a step begins.
struct StepPosition {
  std::int64_t step = 0;   ///< steps done so far
  double lr_factor = 1.0;  ///< learning rate as a share of the peak
};

class Method {
 public:
  virtual ~Method() = default;

  /// Reads data and model folders, loads no weights. `setup` outlives the run. Errors: classes of core/error.h.
  virtual MethodPlan plan(const Setup& setup) = 0;
  /// Loads the models and makes the trainees. Not called for --dry-run and finished runs.
  virtual void load() = 0;

  /// One step. May throw Interrupted (from stop_if_signalled()) only while no state has changed: a StopDeferral guards
  /// the rest. What it does must depend on the position, the trainees and numbers() alone, so that a resumed run ends
  /// with the same bits.
  virtual std::unique_ptr<StepRecord> step(const StepPosition& at) = 0;
  /// Whether evaluate() can be called: there is data to evaluate on.
  virtual bool evaluates() const { return false; }
  virtual std::unique_ptr<StepRecord> evaluate() { return nullptr; }
  /// Which direction of an evaluation's metric ("eval_loss") is the better one, for eval.best_by.
  virtual Better better(const std::string& /*metric*/) const { return Better::lower; }
  /// A few lines {"prompt", "response"} made for samples.jsonl; empty: none.
  virtual std::vector<nlohmann::ordered_json> show() { return {}; }

  /// What a checkpoint holds: trainees, and numbers beside them.
  virtual std::vector<NamedTrainee> trainees() = 0;
  virtual nlohmann::json numbers() const { return nlohmann::json::object(); }
  virtual void restore_numbers(const nlohmann::json&) {}
  virtual std::vector<SavedModel> models() = 0;
};

/// What run_method() needs to know of a config.
struct RunSettings {
  std::string stage;   ///< name of the method in run.json and in messages: "sft"
  ModelOptions model;  ///< whose folder, tokenizer and templates Setup holds
  std::string prompt_template, chat_template;
  std::string output;
  std::int64_t seed = 0;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads, micro_batch_tokens;
  LrScheduleOptions lr_schedule;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LogOptions log;
  std::string config_yaml;                           ///< the effective config, for config.yaml
  std::map<std::string, std::string> fixed_values;  ///< of the config, what a resumed run must not change
};

/// RunSettings of any config with the sections model (`path`, or `policy`), data, train, lr_schedule, checkpoint, log
/// and perhaps eval.
template <Described Config>
RunSettings run_settings(std::string stage, const Config& config) {
  RunSettings settings;
  settings.stage = std::move(stage);
  if constexpr (requires { config.model.policy; }) {
    settings.model.path = config.model.policy;
  } else {
    settings.model = config.model;
  }
  settings.prompt_template = config.data.template_;
  settings.chat_template = config.data.chat_template;
  settings.output = config.train.output;
  settings.seed = config.train.seed;
  settings.device = config.train.device;
  settings.dtype = config.train.dtype;
  settings.threads = config.train.threads;
  settings.micro_batch_tokens = config.train.micro_batch_tokens;
  settings.lr_schedule = config.lr_schedule;
  if constexpr (requires { config.eval; }) settings.eval = config.eval;
  settings.checkpoint = config.checkpoint;
  settings.log = config.log;
  settings.config_yaml = to_yaml(config);
  settings.fixed_values = fixed_values(config);
  return settings;
}

/// Runs `method` from the output folder to final/. Nothing is written before everything has been checked. Errors: every
/// class of core/error.h; Interrupted after a signal, once a checkpoint is saved.
RunSummary run_method(Method& method, const RunSettings& settings, const RunOptions& options = {});

}  // namespace rlhf
