#include "rlhf/train/reward_model.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <unistd.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/batching.h"
#include "rlhf/data/load_data.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/tensor/work_counters.h"

#include "announce.h"
#include "figures.h"
#include "setup.h"
#include "supervised_data.h"
#include "supervised_loop.h"

namespace rlhf {

namespace {

/// Sums over pairs that a step or an evaluation adds up.
enum PairSum { kLoss, kRanked, kMargin, kReward, kNumSums };

/// Tokens that both texts of a pair begin with; each keeps at least one of its own, where its score is read.
std::size_t shared_tokens(const PairSample& pair) {
  const auto [end, other] =
      std::mismatch(pair.chosen.begin(), pair.chosen.end(), pair.rejected.begin(), pair.rejected.end());
  const auto common = static_cast<std::size_t>(end - pair.chosen.begin());
  return std::min({common, pair.chosen.size() - 1, pair.rejected.size() - 1});
}

/// A micro-batch of pairs, and the rows where chosen and rejected texts are scored.
struct PairBatch {
  PackedBatch packed;
  at::Tensor chosen, rejected;  ///< [pairs] int64
};

/// What both texts of a pair begin with is laid down and computed once, where the attention can read a prefix.
PairBatch make_pair_batch(const std::vector<const PairSample*>& pairs, at::Device device) {
  const bool share = device.is_cpu();
  std::vector<Piece> pieces;
  std::vector<std::int64_t> chosen, rejected;
  std::int64_t rows = 0;
  const auto add = [&](std::span<const std::int32_t> ids, std::int64_t after) {
    pieces.push_back({ids, after});
    rows += static_cast<std::int64_t>(ids.size());
    return rows - 1;
  };
  for (const PairSample* pair : pairs) {
    const std::size_t shared = share ? shared_tokens(*pair) : 0;
    const std::int64_t after = shared > 0 ? static_cast<std::int64_t>(pieces.size()) : -1;
    if (shared > 0) add(std::span(pair->chosen).first(shared), -1);
    chosen.push_back(add(std::span(pair->chosen).subspan(shared), after));
    rejected.push_back(add(std::span(pair->rejected).subspan(shared), after));
  }
  return {pack(std::span<const Piece>(pieces), device), to_device(chosen, device), to_device(rejected, device)};
}

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
    work_counters().useful_tokens += tokens;
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
    work_counters().useful_tokens += std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
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
    std::vector<float> margins;
    for (const PairSample* pair : pairs) margins.push_back(pair->margin);
    const PairBatch batch = make_pair_batch(pairs, device());
    const at::Tensor scores = model_.values(batch.packed, at::cat({batch.chosen, batch.rejected}));
    const auto half = static_cast<std::int64_t>(pairs.size());
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
  const Setup setup = prepare(config.model, {config.data.template_, config.data.chat_template}, config.train.device,
                              config.train.dtype, config.train.threads, resume, options);
  const auto data = load_preferences(config.data, seed, *setup.tokenizer, setup.templates);
  const SupervisedPlan plan = plan_stage(config.train, config.lr_schedule, data.train, 2, setup, resume);
  const Announcement announcement{plan.summary("pairs"), data.train.report.lines(), setup.compute.reason, plan.memory,
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
    save_scalar_model(setup.folder, weights, mean, setup.save_options(data.counts, !data.counts.chat), path);
  };
  run_supervised(stage,
                 {plan, seed, config.data.shuffle, config.optimizer, config.lr_schedule, config.eval, config.log}, run,
                 resume);
}

}  // namespace rlhf
