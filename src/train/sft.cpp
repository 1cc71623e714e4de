#include "rlhf/train/sft.h"

#include <algorithm>
#include <unistd.h>

#include <ATen/core/grad_mode.h>

#include "rlhf/config/show_config.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/load_data.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/work_counters.h"

#include "announce.h"
#include "figures.h"
#include "setup.h"
#include "supervised_data.h"
#include "supervised_loop.h"

namespace rlhf {

namespace {

/// Sums over label tokens that a step or an evaluation adds up.
enum LabelSum { kNll, kCorrect, kEntropy, kNumSums };

/// A micro-batch: the packed sequences, the rows that predict a label, and the labels.
struct LabelBatch {
  PackedBatch packed;
  at::Tensor rows, targets;  ///< [labels] int64
};

LabelBatch make_label_batch(const std::vector<Sample>& samples, const std::vector<std::size_t>& chosen,
                            at::Device device) {
  std::vector<const TokenIds*> sequences;
  std::vector<std::int64_t> rows, targets;
  std::int64_t offset = 0;
  for (const std::size_t i : chosen) {
    const Sample& sample = samples[i];
    sequences.push_back(&sample.ids);
    for (const Span& span : sample.trained)
      for (std::int32_t t = span.begin; t < span.end; ++t) {
        rows.push_back(offset + t - 1);  // the row before a token predicts it
        targets.push_back(sample.ids[static_cast<std::size_t>(t)]);
      }
    offset += static_cast<std::int64_t>(sample.ids.size());
  }
  return {pack(sequences, device), to_device(rows, device), to_device(targets, device)};
}

class SftTask {
 public:
  SftTask(CausalLM& model, std::int64_t micro_batch_tokens) : model_(model), micro_batch_tokens_(micro_batch_tokens) {}

  /// Loss, accuracy, entropy over the labels of `chosen`; with `train` also the gradient of the mean loss.
  Metrics run(const std::vector<Sample>& samples, const std::vector<std::size_t>& chosen, bool train) {
    std::vector<std::int64_t> lengths;
    std::int64_t labels = 0, tokens = 0;
    for (const std::size_t i : chosen) {
      lengths.push_back(static_cast<std::int64_t>(samples[i].ids.size()));
      labels += samples[i].num_labels();
      tokens += lengths.back();
    }
    work_counters().useful_tokens += tokens;
    work_counters().label_rows += labels;
    DeviceSums<kNumSums> sums(model_.device());
    for (const auto& group : pack_by_length(lengths, micro_batch_tokens_)) {
      stop_if_signalled();
      std::vector<std::size_t> members;
      for (const std::size_t g : group) members.push_back(chosen[g]);
      add(make_label_batch(samples, members, model_.device()), static_cast<double>(labels), train, sums);
    }
    const auto totals = sums.fetch();
    const auto count = static_cast<double>(labels);
    const std::string prefix = train ? "" : "eval_";
    Metrics metrics;
    metrics.set(prefix + "loss", totals[kNll] / count);
    metrics.set(prefix + "mean_token_accuracy", totals[kCorrect] / count);
    metrics.set(prefix + "entropy", totals[kEntropy] / count);
    if (train) metrics.set("num_tokens", static_cast<double>(tokens));
    return metrics;
  }

 private:
  void add(const LabelBatch& batch, double labels, bool train, DeviceSums<kNumSums>& sums) {
    const at::AutoGradMode gradient(train);
    const at::Tensor hidden = model_.forward(batch.packed, batch.rows);
    const LogprobOptions options{.logit_cap = model_.logit_cap(), .entropy = true, .correct = true};
    const auto mean_nll = [labels](const at::Tensor& logprobs, auto, auto) { return logprobs.sum().div(-labels); };
    const Logprobs result = train ? backward_through_logprobs(hidden, model_.head(), batch.targets, options, mean_nll)
                                  : linear_logprobs(hidden, model_.head(), batch.targets, options);
    sums.add(kNll, result.logprobs.sum().neg());
    sums.add(kCorrect, result.correct.sum());
    sums.add(kEntropy, result.entropy.sum());
  }

  CausalLM& model_;
  std::int64_t micro_batch_tokens_;
};

/// Greedy answers to a few prompts, to see what the model has learned.
class SftSamples {
 public:
  SftSamples(CausalLM& model, const Setup& setup, const std::vector<Sample>& samples, std::int64_t max_new_tokens)
      : model_(model), setup_(setup) {
    for (const Sample& sample : samples) {
      if (prompts_.size() == kShown) break;
      const auto seam = sample.ids.begin() + sample.trained.front().begin;
      if (seam - sample.ids.begin() + max_new_tokens <= model.shape().max_positions)
        prompts_.emplace_back(sample.ids.begin(), seam);
    }
    options_ = {.max_new_tokens = max_new_tokens, .temperature = 0, .stop_ids = setup.templates.stop_ids};
  }

  std::vector<nlohmann::ordered_json> operator()() const {
    std::vector<GenerationRequest> requests;
    for (const TokenIds& prompt : prompts_) requests.push_back({&prompt, 0});
    const auto answers = generate(model_, requests, options_, static_cast<std::int64_t>(kShown));
    std::vector<nlohmann::ordered_json> lines;
    for (std::size_t i = 0; i < answers.size(); ++i)
      lines.push_back({{"prompt", setup_.tokenizer->decode(prompts_[i])},
                       {"response", setup_.tokenizer->decode(answers[i].tokens)}});
    return lines;
  }

 private:
  static constexpr std::size_t kShown = 4;
  CausalLM& model_;
  const Setup& setup_;
  std::vector<TokenIds> prompts_;
  SamplingOptions options_;
};

std::vector<std::string> first_samples(const std::vector<Sample>& samples, const Tokenizer& tokenizer) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, samples.size()); ++i)
    shown.push_back(show_sample(samples[i], tokenizer, isatty(STDOUT_FILENO) == 1));
  return shown;
}

}  // namespace

void train_sft(const SftConfig& config, const RunOptions& options) {
  const RunFolder folder(config.train.output);
  const auto resume = find_resume_point(folder, "sft", options);
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  const Setup setup = prepare(config.model, {config.data.template_, config.data.chat_template}, config.train.device,
                              config.train.dtype, config.train.threads, resume, options);
  const auto data = load_demonstrations(config.data, seed, *setup.tokenizer, setup.templates);
  const SupervisedPlan plan =
      plan_stage(config.train, config.lr_schedule, data.train, data.train.report.longest, setup, resume);
  const Announcement announcement{plan.summary("samples"), report_lines(data), setup.compute.reason, plan.memory,
                                  first_samples(data.train.samples, *setup.tokenizer)};
  if (options.dry_run) return print(announcement);

  const Fingerprint fingerprint = make_fingerprint(fixed_values(config), config.model, data.counts, setup, plan);
  if (already_finished(folder, resume, fingerprint, plan.total_steps, options)) return log_finished(folder);
  const auto model = load_causal_lm(setup.folder, setup.compute.device, setup.compute.dtype, true, seed,
                                    config.model.allow_missing_head);
  Run run(folder, to_yaml(config), describe_run("sft", setup, fingerprint, plan.total_steps), fingerprint, resume,
          options, config.log, config.checkpoint);
  log(announcement);

  SftTask task(*model, plan.micro_batch_tokens);
  const auto evaluated = choose_evaluated(data.eval.samples.size(), config.eval.max_samples, config.train.seed);
  const bool has_prompts = data.counts.format != RecordFormat::text;
  SupervisedStage stage{.name = "sft",
                        .rate = "perf/tokens_per_second",
                        .figure = "loss",
                        .other_figure = "eval_loss",
                        .parameters = model->parameters(),
                        .device = setup.compute.device};
  stage.accumulate = [&](const auto& samples) { return task.run(data.train.samples, samples, true); };
  if (!evaluated.empty()) stage.evaluate = [&] { return task.run(data.eval.samples, evaluated, false); };
  if (has_prompts)
    stage.show = SftSamples(*model, setup, evaluated.empty() ? data.train.samples : data.eval.samples, 64);
  stage.save_model = [&](const NamedTensors& weights, const std::filesystem::path& path) {
    save_causal_lm(setup.folder, weights, setup.save_options(data.counts, has_prompts && !data.counts.chat), path);
  };
  run_supervised(stage,
                 {plan, seed, config.data.shuffle, config.optimizer, config.lr_schedule, config.eval, config.log}, run,
                 resume);
}

}  // namespace rlhf
