#include "rlhf/train/reward_model.h"

#include <algorithm>
#include <numeric>
#include <unistd.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/load_data.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/work_counters.h"

#include "announce.h"
#include "figures.h"
#include "ranked_batch.h"
#include "setup.h"
#include "supervised_data.h"
#include "supervised_loop.h"

namespace rlhf {

namespace {

/// Sums over samples that a step or an evaluation adds up.
enum RankedSum { kLoss, kRanked, kMargin, kReward, kNumSums };

std::int64_t num_tokens(const RankedSample& sample) {
  std::int64_t tokens = 0;
  for (const TokenIds& text : sample.texts) tokens += static_cast<std::int64_t>(text.size());
  return tokens;
}

class RewardTask {
 public:
  RewardTask(ScalarModel& model, double centering, std::int64_t micro_batch_tokens)
      : model_(model), centering_(centering), micro_batch_tokens_(micro_batch_tokens) {}

  /// Loss and accuracy over the samples `chosen`; with `train` also the gradient of the mean loss.
  Metrics run(const std::vector<RankedSample>& samples, const std::vector<std::size_t>& chosen, bool train) {
    std::vector<std::int64_t> lengths;
    std::size_t texts = 0, pairs = 0;
    for (const std::size_t i : chosen) {
      lengths.push_back(num_tokens(samples[i]));
      texts += samples[i].texts.size();
      pairs += samples[i].pairs.size();
    }
    const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    work_counters().useful_tokens += tokens;
    const auto count = static_cast<double>(chosen.size());
    DeviceSums<kNumSums> sums(device());
    at::Tensor lowest, highest;
    for (const auto& group : pack_by_length(lengths, micro_batch_tokens_)) {
      stop_if_signalled();
      std::vector<const RankedSample*> members;
      for (const std::size_t g : group) members.push_back(&samples[chosen[g]]);
      const at::Tensor scores = add(make_ranked_batch(members, device()), count, train, sums);
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
    metrics.set(prefix + "mean_reward", totals[kReward] / static_cast<double>(texts));
    metrics.set(prefix + "max_reward", highest.item<double>());
    if (!train) return metrics;
    metrics.set("num_tokens", static_cast<double>(tokens));
    metrics.set("num_pairs", static_cast<double>(pairs));
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

  at::Tensor add(const RankedBatch& batch, double count, bool train, DeviceSums<kNumSums>& sums) {
    const at::AutoGradMode gradient(train);
    const at::Tensor scores = model_.values(batch.packed, batch.rows);
    // at::index and not index_select, whose backward adds up in no fixed order on a GPU.
    const at::Tensor chosen = at::index(scores, {batch.chosen}), rejected = at::index(scores, {batch.rejected});
    const at::Tensor loss = bradley_terry_loss(chosen, rejected, batch.margin, batch.weight, centering_);
    if (train) loss.div(count).backward();
    const at::Tensor difference = chosen.sub(rejected).detach();
    sums.add(kLoss, loss);
    sums.add(kRanked, difference.gt(0).mul(batch.weight).sum());
    sums.add(kMargin, difference.mul(batch.weight).sum());
    sums.add(kReward, scores.sum());
    return scores.detach();
  }

  ScalarModel& model_;
  double centering_;
  std::int64_t micro_batch_tokens_;
};

/// Of the texts that no other is better than, or of all, those whose mean score is subtracted: enough that its standard
/// error is 1/16 of the scores' spread, and no more, since every model that is written waits for it.
std::vector<const TokenIds*> centring_texts(const std::vector<RankedSample>& samples, CenterOn center_on,
                                            std::int64_t seed) {
  constexpr std::int64_t kTexts = 256;
  std::vector<const TokenIds*> texts, chosen;
  if (center_on == CenterOn::none) return texts;
  for (const RankedSample& sample : samples) {
    std::vector<bool> beaten(sample.texts.size(), false);
    for (const RankedPair& pair : sample.pairs) beaten[static_cast<std::size_t>(pair.rejected)] = true;
    for (std::size_t i = 0; i < sample.texts.size(); ++i)
      if (center_on == CenterOn::all || !beaten[i]) texts.push_back(&sample.texts[i]);
  }
  for (const std::size_t i : choose_evaluated(texts.size(), kTexts, seed)) chosen.push_back(texts[i]);
  return chosen;
}

std::vector<std::string> first_samples(const std::vector<RankedSample>& samples, const Tokenizer& tokenizer) {
  std::vector<std::string> shown;
  const bool colour = isatty(STDOUT_FILENO) == 1;
  const auto show = [&](const char* label, const RankedSample& sample, std::int32_t index) {
    const TokenIds& ids = sample.texts[static_cast<std::size_t>(index)];
    const Span answer{sample.prompt_length, static_cast<std::int32_t>(ids.size())};
    shown.push_back(label + show_sample({ids, {answer}}, tokenizer, colour));
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(2, samples.size()); ++i) {
    show("chosen: ", samples[i], samples[i].pairs.front().chosen);
    show("rejected: ", samples[i], samples[i].pairs.front().rejected);
  }
  return shown;
}

/// Tokens of the largest sample: its texts are held together, since their scores are compared.
std::int64_t largest(const DataSet<RankedSample>& data) {
  std::int64_t tokens = 0;
  for (const auto* set : {&data.train, &data.eval})
    for (const RankedSample& sample : set->samples) tokens = std::max(tokens, num_tokens(sample));
  return tokens;
}

}  // namespace

void train_reward_model(const RewardModelConfig& config, const RunOptions& options) {
  const RunFolder folder(config.train.output);
  const auto resume = find_resume_point(folder, "rm", options);
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  const Setup setup = prepare(config.model, {config.data.template_, config.data.chat_template}, config.train.device,
                              config.train.dtype, config.train.threads, resume, options);
  const auto data = load_preferences(config.data, seed, *setup.tokenizer, setup.templates);
  const SupervisedPlan plan = plan_stage(config.train, config.lr_schedule, data.train, largest(data), setup, resume);
  const Announcement announcement{plan.summary(data.counts.format == RecordFormat::ranking ? "rankings" : "pairs"),
                                  report_lines(data), setup.compute.reason, plan.memory,
                                  first_samples(data.train.samples, *setup.tokenizer)};
  if (options.dry_run) return print(announcement);

  const Fingerprint fingerprint = make_fingerprint(fixed_values(config), config.model, data.counts, setup, plan);
  if (already_finished(folder, resume, fingerprint, plan.total_steps, options)) return log_finished(folder);
  ScalarModel model = load_scalar_model(setup.folder, setup.compute.device, setup.compute.dtype, true, seed);
  Run run(folder, to_yaml(config), describe_run("rm", setup, fingerprint, plan.total_steps), fingerprint, resume,
          options, config.log, config.checkpoint);
  log(announcement);

  RewardTask task(model, config.reward_model.centering, plan.micro_batch_tokens);
  const auto evaluated = choose_evaluated(data.eval.samples.size(), config.eval.max_samples, config.train.seed);
  const auto centred_on = centring_texts(data.train.samples, config.reward_model.center_on, config.train.seed);
  SupervisedStage stage{.name = "rm",
                        .rate = "perf/pairs_per_second",
                        .figure = "accuracy",
                        .other_figure = "eval_accuracy",
                        .parameters = model.parameters(),
                        .device = setup.compute.device};
  stage.accumulate = [&](const auto& batch) { return task.run(data.train.samples, batch, true); };
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
