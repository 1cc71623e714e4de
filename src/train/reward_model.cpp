#include "rlhf/train/reward_model.h"

#include <algorithm>
#include <unistd.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/batching.h"
#include "rlhf/data/samples.h"
#include "rlhf/nn/scalar_model.h"

#include "announce.h"
#include "figures.h"
#include "setup.h"
#include "supervised_data.h"
#include "supervised_loop.h"

namespace rlhf {

namespace {

/// Sums over pairs that a step or an evaluation adds up.
enum PairSum { kLoss, kRanked, kMargin, kReward, kNumSums };

class RewardTask {
 public:
  RewardTask(ScalarModel& model, double centering, std::int64_t micro_batch_tokens)
      : model_(model), centering_(centering), micro_batch_tokens_(micro_batch_tokens) {}

  /// Loss and accuracy over the pairs `chosen`; with `train` also the gradient of the mean loss.
  Metrics run(const std::vector<PairSample>& pairs, const std::vector<std::size_t>& chosen, bool train) {
    std::vector<std::int64_t> lengths;
    std::int64_t tokens = 0;
    for (const std::size_t i : chosen) {
      lengths.push_back(static_cast<std::int64_t>(pairs[i].chosen.size() + pairs[i].rejected.size()));
      tokens += lengths.back();
    }
    const auto count = static_cast<double>(chosen.size());
    DeviceSums<kNumSums> sums(device());
    at::Tensor lowest, highest;
    for (const auto& group : pack_by_length(lengths, micro_batch_tokens_)) {
      stop_if_signalled();
      std::vector<const PairSample*> members;
      for (const std::size_t g : group) members.push_back(&pairs[chosen[g]]);
      const at::Tensor scores = add(members, count, train, sums);
      lowest = lowest.defined() ? at::minimum(lowest, scores.min()) : scores.min();
      highest = highest.defined() ? at::maximum(highest, scores.max()) : scores.max();
    }
    const auto totals = sums.fetch();
    const std::string prefix = train ? "" : "eval_";
    Metrics metrics;
    metrics.set(prefix + "loss", totals[kLoss] / count);
    metrics.set(prefix + "accuracy", totals[kRanked] / count);
    metrics.set(prefix + "margin", totals[kMargin] / count);
    metrics.set(prefix + "min_reward", lowest.item<double>());
    metrics.set(prefix + "mean_reward", totals[kReward] / (2 * count));
    metrics.set(prefix + "max_reward", highest.item<double>());
    if (!train) return metrics;
    metrics.set("num_tokens", static_cast<double>(tokens));
    metrics.set("num_pairs", count);
    return metrics;
  }

  /// Mean score of the given texts.
  double mean_score(const std::vector<const TokenIds*>& texts) {
    const at::NoGradGuard no_gradient;
    std::vector<std::int64_t> lengths;
    for (const TokenIds* text : texts) lengths.push_back(static_cast<std::int64_t>(text->size()));
    DeviceSums<1> sum(device());
    for (const auto& group : pack_by_length(lengths, micro_batch_tokens_)) {
      std::vector<const TokenIds*> members;
      for (const std::size_t g : group) members.push_back(texts[g]);
      sum.add(0, model_.scores(pack(members, device())).sum());
    }
    return sum.fetch()[0] / static_cast<double>(texts.size());
  }

 private:
  at::Device device() const { return model_.trunk().device(); }

  at::Tensor add(const std::vector<const PairSample*>& pairs, double count, bool train, DeviceSums<kNumSums>& sums) {
    const at::AutoGradMode gradient(train);
    std::vector<const TokenIds*> sequences;
    std::vector<float> margins;
    for (const PairSample* pair : pairs) {
      sequences.push_back(&pair->chosen);
      margins.push_back(pair->margin);
    }
    for (const PairSample* pair : pairs) sequences.push_back(&pair->rejected);
    const auto half = static_cast<std::int64_t>(pairs.size());
    const at::Tensor scores = model_.scores(pack(sequences, device()));
    const at::Tensor chosen = scores.slice(0, 0, half), rejected = scores.slice(0, half);
    const at::Tensor loss = bradley_terry_loss(chosen, rejected, to_device(margins, device()), centering_);
    if (train) loss.div(count).backward();
    const at::Tensor difference = chosen.sub(rejected).detach();
    sums.add(kLoss, loss);
    sums.add(kRanked, difference.gt(0).sum());
    sums.add(kMargin, difference.sum());
    sums.add(kReward, scores.sum());
    return scores.detach();
  }

  ScalarModel& model_;
  double centering_;
  std::int64_t micro_batch_tokens_;
};

std::vector<const TokenIds*> centring_texts(const std::vector<PairSample>& pairs, CenterOn center_on) {
  std::vector<const TokenIds*> texts;
  if (center_on == CenterOn::none) return texts;
  for (const PairSample& pair : pairs) {
    texts.push_back(&pair.chosen);
    if (center_on == CenterOn::all) texts.push_back(&pair.rejected);
  }
  return texts;
}

std::vector<std::string> first_samples(const std::vector<PairSample>& pairs, const Tokenizer& tokenizer) {
  std::vector<std::string> shown;
  const bool colour = isatty(STDOUT_FILENO) == 1;
  for (std::size_t i = 0; i < std::min<std::size_t>(2, pairs.size()); ++i)
    for (const TokenIds* ids : {&pairs[i].chosen, &pairs[i].rejected}) {
      const auto length = static_cast<std::int32_t>(ids->size());
      const std::string label = ids == &pairs[i].chosen ? "chosen: " : "rejected: ";
      shown.push_back(label + show_sample({*ids, {{pairs[i].prompt_length, length}}}, tokenizer, colour));
    }
  return shown;
}

}  // namespace

void train_reward_model(const RewardModelConfig& config, const RunOptions& options) {
  const RunFolder folder(config.train.output);
  const auto resume = find_resume_point(folder, "rm", options);
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  const Setup setup = prepare(config.model, config.data.template_, config.train.device, config.train.dtype,
                              config.train.threads, resume, options);
  const auto data =
      load_supervised<Preference, PairSample>(config.data, config.train.seed, setup, read_preferences, make_pairs);
  const SupervisedPlan plan = plan_stage(config.train, config.lr_schedule, data.train, 2, setup, resume);
  const Announcement announcement{plan.summary("pairs"), data.train.report.summary(), setup.compute.reason, plan.memory,
                                  first_samples(data.train.samples, *setup.tokenizer)};
  if (options.dry_run) return print(announcement);

  const Fingerprint fingerprint = make_fingerprint(flat_values(config), config.model, data.counts, setup, plan);
  if (already_finished(folder, resume, fingerprint, plan.total_steps, options)) return log_finished(folder);
  ScalarModel model = load_scalar_model(setup.folder, setup.compute.device, setup.compute.dtype, true, seed);
  Run run(folder, to_yaml(config), describe_run("rm", setup, fingerprint, plan.total_steps), fingerprint, resume,
          options, config.log, config.checkpoint);
  log(announcement);

  RewardTask task(model, config.reward_model.centering, plan.micro_batch_tokens);
  const auto evaluated = choose_evaluated(data.eval.samples.size(), config.eval.max_samples, config.train.seed);
  const auto centred_on = centring_texts(data.train.samples, config.reward_model.center_on);
  SupervisedStage stage{.name = "rm",
                        .rate = "perf/pairs_per_second",
                        .figure = "accuracy",
                        .other_figure = "eval_accuracy",
                        .parameters = model.parameters(),
                        .device = setup.compute.device};
  stage.accumulate = [&](const auto& pairs) { return task.run(data.train.samples, pairs, true); };
  if (!evaluated.empty()) stage.evaluate = [&] { return task.run(data.eval.samples, evaluated, false); };
  stage.save_model = [&](const NamedTensors& weights, const std::filesystem::path& path) {
    const double mean = centred_on.empty() ? 0.0 : task.mean_score(centred_on);
    save_scalar_model(setup.folder, weights, mean, setup.save_options(true), path);
  };
  run_supervised(stage, {plan, seed, config.optimizer, config.lr_schedule, config.eval, config.log}, run, resume);
}

}  // namespace rlhf
