#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>

#include "rlhf/config/train_options.h"
#include "rlhf/core/random.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/data/load_data.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/train/method.h"

#include "own_groups.h"
#include "workload.h"

namespace rlhf {

/// What the memory of a method that trains on samples depends on, in tokens where nothing else is said.
struct SupervisedTokens {
  std::int64_t largest = 0;          ///< of the largest sample, the minimum for a micro-batch
  double packed_share = 1;           ///< tokens of a micro-batch after shared prefixes are packed once, as a share
  std::int64_t evaluated = 0;        ///< of an evaluation or of centring, which go through the model without gradients
  bool head = true;                  ///< logits are computed
  std::int64_t reference_bytes = 0;  ///< of the weights of another model, which goes through the same samples at first
  double forwards = 0;               ///< passes without gradients, in each step over as many tokens as are trained
};

/// The phases of a run that trains on samples: training, evaluation. (Saving holds a weight at a time.)
inline std::vector<Phase> supervised_phases(const SupervisedTokens& tokens, std::int64_t trained_tokens,
                                            std::int64_t micro_batch_tokens, const Setup& setup) {
  const ModelShape& shape = setup.folder.shape;
  const at::ScalarType dtype = setup.compute.dtype;
  const auto held = static_cast<std::int64_t>(tokens.packed_share * static_cast<double>(trained_tokens));
  const std::int64_t evaluated = std::min(micro_batch_tokens, tokens.evaluated);
  const auto logits = [&](std::int64_t rows, bool trained) {
    return tokens.head ? logits_bytes(shape, dtype, rows, trained) : 0;
  };
  const std::int64_t evaluation = times(evaluated, forward_bytes_per_token(shape)) + logits(evaluated, false);
  return {{"activations", times(held, activation_bytes_per_token(shape, dtype, setup.recompute)) + logits(held, true)},
          {tokens.reference_bytes > 0 ? "reference and its activations" : "activations of an evaluation",
           tokens.reference_bytes + evaluation}};
}

/// A step of a method that trains on samples, for a cluster of GPUs, where shared prefixes are not packed once.
template <typename S, typename Config>
Workload supervised_workload(const Config& config, const SampleSet<S>& data, const SupervisedTokens& tokens,
                             const Setup& setup) {
  const ModelFolder& folder = setup.folder;
  const at::ScalarType dtype = setup.compute.dtype;
  ModelMemory memory(dtype);
  double texts = 0;
  for (const S& sample : data.samples) {
    if constexpr (requires { sample.texts; }) texts += static_cast<double>(sample.texts.size());
  }
  const auto samples = static_cast<double>(data.samples.size()), all = static_cast<double>(data.report.tokens);
  Workload work = workload_of(folder.shape, dtype, setup.recompute, tokens.head);
  work.roles = {trained_role("model", folder, dtype, config.optimizer, tokens.head, memory)};
  work.roles.front().forwards = tokens.forwards;
  if (tokens.reference_bytes > 0)
    work.roles.push_back({.name = "reference",
                          .weight_bytes = static_cast<double>(tokens.reference_bytes),
                          .layers = work.roles.front().layers,
                          .before_training = true});
  work.sequences = std::min(static_cast<double>(config.train.batch_size), samples);
  work.tokens = all * work.sequences / samples;
  work.context = all / std::max(texts, samples);
  work.longest = static_cast<double>(tokens.largest);
  work.micro_batch_tokens = static_cast<double>(setup.micro_batch_tokens.value_or(0));
  return work;
}

/// The plan of a method that trains on samples from files. `unit` is the name of samples in messages ("pairs").
template <typename S, typename Config>
MethodPlan plan_samples(const Config& config, const DataSet<S>& data, const SupervisedTokens& tokens,
                        const std::string& unit, const Setup& setup) {
  ModelMemory memory(setup.compute.dtype, setup.state_shards());
  const std::int64_t weights = memory.weights(setup.folder, /*trained=*/true);
  const std::int64_t state = memory.training(setup.folder, config.optimizer);
  check_positions(setup.folder, "data.max_length", data.train.report.longest);
  warn_of_turn_end(setup, data.counts);
  const auto samples = static_cast<std::int64_t>(data.train.samples.size());
  const SupervisedPlan sizes =
      plan_supervised(config.train, samples, setup.choose_micro_batch_tokens(weights + state, tokens.largest));
  const std::int64_t step_tokens =
      std::max(tokens.largest, std::min(config.train.batch_size, samples) * data.train.report.tokens /
                                   std::max<std::int64_t>(1, samples));
  MethodPlan plan;
  plan.total_steps = sizes.total_steps;
  plan.micro_batch_tokens = sizes.micro_batch_tokens;
  plan.summary = sizes.summary(unit);
  plan.data = data.train.report.lines();
  if (!data.eval.samples.empty()) plan.data.push_back("to evaluate on: " + data.eval.report.summary());
  plan.memory.parts = {process_part(setup.compute.device),
                       {"weights", weights},
                       {"masters, moments, gradients", state},
                       largest_phase(supervised_phases(tokens, std::min(plan.micro_batch_tokens, step_tokens),
                                                       plan.micro_batch_tokens, setup))};
  memory.add_lent(plan.memory);
  plan.memory.keys = {"train.micro_batch_tokens", "train.batch_size", "data.max_length"};
  if (setup.cluster) plan.workload = supervised_workload(config, data.train, tokens, setup);
  if (setup.dry_run) return plan;
  add_data(plan.inputs, "data.train", data.counts);
  if (!config.model.init) add_model(plan.inputs, "model.path", setup.folder);
  return plan;
}

/// The indices of the samples to evaluate: at most `max_samples` of `count` (0: all), the same in every evaluation of a
/// run.
inline std::vector<std::size_t> choose_evaluated(std::size_t count, std::int64_t max_samples, std::int64_t seed) {
  constexpr std::uint64_t kEvalStream = 0x6576616c;  // distinct from the streams that shuffle training data
  auto chosen = random_permutation(count, static_cast<std::uint64_t>(seed), random_stream(kEvalStream));
  if (max_samples > 0) chosen.resize(std::min(count, static_cast<std::size_t>(max_samples)));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// Calls body(members), a pass of `model`, for groups of `samples`, which are `items`, with at most `budget` tokens,
/// those of this rank. `trained`: see for_each_own_group(); no other passes follow before its step.
template <typename S, typename Body>
void for_each_group(const std::vector<const S*>& samples, const PassItems& items, std::int64_t budget,
                    const CausalLM& model, const Body& body, const Ranks& ranks, Trainee* trained = nullptr) {
  for_each_own_group(items, budget, ranks, model, trained, /*last=*/true, [&](const std::vector<std::size_t>& group) {
    std::vector<const S*> members;
    for (const std::size_t member : group) members.push_back(samples[member]);
    body(members);
  });
}

/// The samples at `indices`.
template <typename S>
std::vector<const S*> pick(const std::vector<S>& samples, const std::vector<std::size_t>& indices) {
  std::vector<const S*> picked;
  for (const std::size_t i : indices) picked.push_back(&samples[i]);
  return picked;
}

/// A config for RunOptions::eval_only: its data.train is what is evaluated, each record once, unless a share of it is
/// held out for evaluation.
template <typename Config>
Config config_to_evaluate(Config config) {
  DataOptions& data = config.data;
  if (!data.eval.empty()) data.train.clear();
  for (std::string& path : data.eval) data.train.push_back({std::move(path)});
  data.eval.clear();
  for (WeightedPath& item : data.train) item.weight = 1;
  return config;
}

/// The share of a micro-batch in its batch, for PackedBatch::share.
template <typename S>
double share_of(const std::vector<const S*>& members, const std::vector<const S*>& batch) {
  return static_cast<double>(members.size()) / static_cast<double>(batch.size());
}

/// The record of a step or an evaluation; a step also has the values of the optimizer.
struct SupervisedStep : StepRecord {
  std::optional<double> grad_norm, learning_rate;
  std::optional<double> router_loss;  ///< CausalLM::take_router_loss()

  Metrics with_optimizer(Metrics named) const {
    if (grad_norm) named.set("grad_norm", *grad_norm);
    if (learning_rate) named.set("learning_rate", *learning_rate);
    if (router_loss) named.set("aux_loss", *router_loss);
    return named;
  }
};

/// The common part of methods that train on samples from files: order of the samples, optimizer step, evaluation. A
/// derived method implements plan(), load(), run() and models().
template <typename S, typename Config, Stage kStage>
class SupervisedMethod : public Method {
 public:
  explicit SupervisedMethod(const Config& config)
      : config_(config), seed_(static_cast<std::uint64_t>(config.train.seed)) {}

  bool shares_work() const final { return true; }
  std::unique_ptr<StepRecord> step(const StepPosition& at) final {
    prepare_step(at.step);
    seed_dropout(at.step);
    trainee_->zero_gradients();
    const double lr = config_.optimizer.lr * at.lr_factor;
    auto done = run(pick(data_.train.samples, order_->batch(at.step)), [&] {
      trainee_->sum_gradients();
      return trainee_->step(lr);
    });
    check_gradient_norm(*done->grad_norm, "model", at.step);
    done->learning_rate = lr;
    return done;
  }
  bool evaluates() const final { return !data_.eval.samples.empty(); }
  std::unique_ptr<StepRecord> evaluate() final { return run(chosen_to_evaluate(), nullptr); }
  std::pair<std::int64_t, std::int64_t> evaluated_samples() const final {
    return {static_cast<std::int64_t>(evaluated_.size()), static_cast<std::int64_t>(samples_to_evaluate().size())};
  }
  Better better(const std::string& metric) const final { return better_of(kStage, metric).value_or(Better::lower); }
  std::vector<NamedTrainee> trainees() final { return {{"optimizer", *trainee_}}; }

 protected:
  /// The optimizer step after a backward pass. Returns the gradient norm, a scalar on the device.
  using Update = std::function<at::Tensor()>;

  /// Called before step `step`; it may change the samples, as a function of numbers() and the step.
  virtual void prepare_step(std::int64_t /*step*/) {}

  /// Computes the record of `samples`, of all ranks, each of which runs its part. With an `update` also adds the
  /// gradient of their mean loss and then calls it; the gradient norm is read from the device together with the
  /// metrics.
  virtual std::unique_ptr<SupervisedStep> run(const std::vector<const S*>& samples, const Update& update) = 0;

  /// What a pass with this `update` trains.
  Trainee* trained(const Update& update) { return update ? &*trainee_ : nullptr; }

  /// Section `data` with the longest sequence of this model.
  DataOptions data_options(const Setup& setup) const {
    return with_max_length(config_.data, setup.folder.shape.max_positions, config_.train.micro_batch_tokens);
  }

  /// Call it in load(), after loading the model.
  void train_these(const Parameters& parameters, CausalLM& model) {
    trainee_.emplace(parameters, config_.optimizer, *setup_->ranks, config_.train.shard, &model);
    order_.emplace(data_.train.samples.size(), config_.train.batch_size, seed_, config_.data.shuffle);
    if (evaluates()) choose_samples_to_evaluate();
  }

  /// Call it in load_to_evaluate().
  void choose_samples_to_evaluate() {
    evaluated_ = choose_evaluated(samples_to_evaluate().size(), config_.eval.max_samples, config_.train.seed);
  }

  /// Without evaluation data, those of an evaluation without training.
  const std::vector<S>& samples_to_evaluate() const { return evaluates() ? data_.eval.samples : data_.train.samples; }
  /// Those of them that were chosen.
  std::vector<const S*> chosen_to_evaluate() const { return pick(samples_to_evaluate(), evaluated_); }

  const Config& config_;
  const std::uint64_t seed_;
  const Setup* setup_ = nullptr;
  DataSet<S> data_;
  std::int64_t micro_batch_tokens_ = 0;
  std::optional<Trainee> trainee_;

 private:
  /// LibTorch's generators draw for dropout: from the start in each step, so that a resumed run draws the same.
  void seed_dropout(std::int64_t step) const {
    const auto& adapter = setup_->folder.adapter;
    if (adapter && adapter->options.dropout > 0)
      at::manual_seed(
          random_stream(seed_, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(setup_->ranks->rank())));
  }

  std::optional<BatchOrder> order_;
  std::vector<std::size_t> evaluated_;
};

}  // namespace rlhf
