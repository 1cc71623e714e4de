// Supervised fine-tuning.
#include "rlhf/train/sft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unistd.h>

#include "rlhf/config/check_config.h"

#include "figures.h"
#include "label_batch.h"
#include "language_method.h"
#include "sum_over_ranks.h"

namespace rlhf {

namespace {

/// The record of a step or evaluation: means over labels.
struct SftStep : SupervisedStep {
  enum Figure { kNll, kCorrect, kEntropy, kGradNorm, kNumFigures };
  std::array<double, kNumFigures> figures{};  ///< sums over labels, and the gradient norm
  double labels = 0;

  double loss() const { return figures[kNll] / labels; }
  Metrics metrics() const override {
    return with_optimizer({{"loss", loss()},
                           {"mean_token_accuracy", figures[kCorrect] / labels},
                           {"entropy", figures[kEntropy] / labels}});
  }
  Metrics headline() const override { return {{"loss", loss()}}; }
};

class Sft final : public LanguageMethod<Sample, SftConfig, Stage::sft> {
 public:
  using LanguageMethod::LanguageMethod;

  MethodPlan plan(const Setup& setup) override {
    setup_ = &setup;
    expect_language_model(setup.folder, "model.path");
    data_ = load_demonstrations(data_options(setup), seed_, *setup.tokenizer, setup.templates);
    const SupervisedTokens tokens{.largest = data_.train.report.longest, .evaluated = data_.eval.report.tokens};
    MethodPlan plan = plan_samples(config_, data_, tokens, "samples", setup);
    for (std::size_t i = 0; i < std::min<std::size_t>(3, data_.train.samples.size()); ++i)
      plan.first_samples.push_back(show_sample(data_.train.samples[i], *setup.tokenizer, isatty(STDOUT_FILENO) == 1));
    micro_batch_tokens_ = plan.micro_batch_tokens;
    return plan;
  }

  void load_to_evaluate() override {
    model_ = load_causal_lm(setup_->folder, setup_->compute.device, setup_->compute.dtype, /*requires_grad=*/false);
    choose_samples_to_evaluate();
  }

 private:
  /// The tokens before its first label, or the first half of a sample that is trained from its beginning.
  std::int64_t shown_length(const Sample& sample) const override {
    const std::int64_t before = sample.trained.front().begin, half = static_cast<std::int64_t>(sample.ids.size()) / 2;
    return before > 1 ? before : std::clamp<std::int64_t>(half, 1, kShownTokens / 2);
  }

  std::unique_ptr<SupervisedStep> run(const std::vector<const Sample*>& samples, const Update& update) override {
    auto done = std::make_unique<SftStep>();
    DeviceFigures<SftStep::kNumFigures> figures(model_->device());
    const Ranks& ranks = *setup_->ranks;
    LabelPass pass{.micro_batch_tokens = micro_batch_tokens_,
                   .logprobs = {.logit_cap = model_->logit_cap(), .entropy = true, .correct = true},
                   .ranks = ranks,
                   .trained = trained(update)};
    if (update) pass.weight = 1;
    const std::int64_t labels = run_labels(*model_, samples, pass, done->work, [&](const Logprobs& result) {
      figures.add(SftStep::kNll, result.logprobs.sum().neg());
      figures.add(SftStep::kCorrect, result.correct.sum());
      figures.add(SftStep::kEntropy, result.entropy.sum());
    });
    figures.sum(ranks);
    sum_over_ranks(ranks, done->work);
    if (update) figures.put(SftStep::kGradNorm, update());
    done->labels = static_cast<double>(labels);
    done->tokens = done->work.useful_tokens;
    done->figures = figures.fetch();
    if (update) done->grad_norm = done->figures[SftStep::kGradNorm];
    done->router_loss = model_->take_router_loss();
    sum_over_ranks(ranks, done->router_loss);
    return done;
  }
};

}  // namespace

RunSummary train_sft(const SftConfig& config, const RunOptions& options) {
  const SftConfig used = options.eval_only ? config_to_evaluate(config) : config;
  options.eval_only ? check_ranges(used) : check_config(used);
  Sft method(used);
  RunSummary done = run_method(method, run_settings("sft", used), options);
  if (done.evaluation) {
    Metrics& metrics = done.evaluation->metrics;
    if (const double* loss = metrics.find("eval_loss")) metrics.set("eval_perplexity", std::exp(*loss));
  }
  return done;
}

}  // namespace rlhf
