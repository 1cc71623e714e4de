// Direct preference optimisation and its relatives.
#include "rlhf/train/dpo.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index.h>

#include "rlhf/algo/preference_loss.h"
#include "rlhf/config/check_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "completion_logprobs.h"
#include "figures.h"
#include "language_method.h"
#include "ranked_batch.h"
#include "ranked_samples.h"
#include "reference_logprobs.h"

namespace rlhf {

namespace {

/// The record of a step or evaluation: means over samples by their weights.
struct DpoStep : SupervisedStep {
  enum Figure { kLoss, kRanked, kChosen, kRejected, kChosenLogprob, kRejectedLogprob, kKl, kGradNorm, kNumFigures };
  std::array<double, kNumFigures> figures{};  ///< sums, then the KL and the gradient norm
  double weight = 0;
  bool has_kl = false;

  double mean(Figure figure) const { return figures[figure] / weight; }
  Metrics headline() const override { return {{"loss", mean(kLoss)}, {"rewards/accuracies", mean(kRanked)}}; }
  Metrics metrics() const override {
    Metrics named = headline();
    named.add({{"rewards/margins", mean(kChosen) - mean(kRejected)},
               {"rewards/chosen", mean(kChosen)},
               {"rewards/rejected", mean(kRejected)},
               {"logps/chosen", mean(kChosenLogprob)},
               {"logps/rejected", mean(kRejectedLogprob)}});
    if (has_kl) named.set("kl", figures[kKl]);
    return with_optimizer(std::move(named));
  }
};

bool has_margins(const std::vector<RankedSample>& samples) {
  return std::ranges::any_of(samples, [](const RankedSample& sample) {
    return std::ranges::any_of(sample.pairs, [](const RankedPair& pair) { return pair.margin != 0; });
  });
}

using DpoFigures = DeviceFigures<DpoStep::kNumFigures>;

class Dpo final : public LanguageMethod<RankedSample, DpoConfig, Stage::dpo> {
 public:
  Dpo(const DpoConfig& config, bool evaluation_only) : LanguageMethod(config), evaluation_only_(evaluation_only) {}

  MethodPlan plan(const Setup& setup) override {
    setup_ = &setup;
    expect_language_model(setup.folder, "model.path");
    data_ = load_preferences(data_options(setup), seed_, *setup.tokenizer, setup.templates,
                             {.evaluation = evaluation_only_});
    read_reference_folder(setup);
    const SupervisedTokens tokens{
        .largest = largest(data_),
        .packed_share = packed_share(data_.train.samples, setup.compute.device, SharedPart::prompt),
        .evaluated = std::max(data_.eval.report.tokens, has_reference() ? data_.train.report.tokens : 0),
        .reference_bytes = reference_folder_ ? ModelMemory(setup.compute.dtype).weights(*reference_folder_, false) : 0};
    MethodPlan plan = plan_samples(config_, data_, tokens, unit_of(data_), setup);
    if (reference_folder_) add_model(plan.inputs, "dpo.reference", *reference_folder_);
    if (config_.dpo.loss == PreferenceLoss::kto && has_margins(data_.train.samples))
      log_warning("dpo.loss: kto does not use margins, found pairs with a margin");
    plan.first_samples = first_samples(data_.train.samples, *setup.tokenizer);
    micro_batch_tokens_ = plan.micro_batch_tokens;
    return plan;
  }

  void load() override {
    LanguageMethod::load();
    const bool unbiased = config_.dpo.loss == PreferenceLoss::robust;
    smooth(data_.train.samples, config_.dpo.label_smoothing, unbiased);
    set_up_reference();
  }

  /// Needs the reference only for the samples that are evaluated, and not beside the model.
  void load_to_evaluate() override {
    choose_samples_to_evaluate();
    set_up_reference();
    if (reference_) {
      auto samples = chosen_to_evaluate();
      const auto others = mismatched_of(samples, /*train=*/false);
      samples.insert(samples.end(), others.begin(), others.end());
      compute_reference(samples);
    }
    model_ = load_causal_lm(setup_->folder, device(), setup_->compute.dtype, /*requires_grad=*/false);
  }

  /// Computes the log-probabilities of the reference. A run that was stopped meanwhile begins again.
  void start(std::int64_t /*step*/) override {
    if (!reference_ || reference_is_known_) return;
    compute_reference(reference_->samples());
    model_->take_processed_tokens();  // not part of the work of a step
    reference_is_known_ = true;
  }

  nlohmann::json numbers() const override {
    if (!reference_is_known_) return nlohmann::json::object();
    return {{"reference_texts", reference_->texts_checksum()}};
  }
  void restore_numbers(const nlohmann::json& numbers) override {
    if (!reference_ || !numbers.contains("reference_texts")) return;
    if (numbers["reference_texts"] != reference_->texts_checksum())
      throw ModelError(
          "checkpoint: expected the log-probabilities of the reference for these data, found those for "
          "others; hint: start a new run");
    reference_is_known_ = true;
  }
  NamedTensors tensors() override { return reference_ ? reference_->tensors() : NamedTensors(); }

 private:
  bool has_reference() const { return needs_reference(config_.dpo.loss); }

  /// The whole prompt.
  std::int64_t shown_length(const RankedSample& sample) const override { return sample.prompt_length; }

  at::Device device() const { return setup_->compute.device; }

  void read_reference_folder(const Setup& setup) {
    if (config_.dpo.reference.empty()) return;
    const std::string key = "dpo.reference";
    reference_folder_ = read_companion(config_.dpo.reference, key, setup);
    expect_language_model(*reference_folder_, key);
    check_positions(*reference_folder_, "data.max_length", data_.train.report.longest);
  }

  void set_up_reference() {
    if (config_.dpo.loss == PreferenceLoss::kto) {
      mismatched_train_ = mismatch(data_.train.samples, data_.train.report.longest);
      mismatched_eval_ = mismatch(data_.eval.samples, data_.eval.report.longest);
    }
    if (has_reference())
      reference_.emplace(SampleSets{&data_.train.samples, &data_.eval.samples, &mismatched_train_, &mismatched_eval_});
  }

  /// With the model of dpo.reference, which is in memory only here, or with the initial model.
  void compute_reference(const std::vector<const RankedSample*>& samples) {
    const auto compute = [&](CausalLM& model, const std::string& name) {
      log_info("reference: computing the log-probabilities of " + std::to_string(samples.size()) + " " +
               unit_of(data_) + " with " + name);
      reference_->compute(model, samples, micro_batch_tokens_);
    };
    if (!reference_folder_) return compute(*model_, "the initial model");
    const auto model = load_causal_lm(*reference_folder_, device(), setup_->compute.dtype, /*requires_grad=*/false);
    compute(*model, reference_folder_->path.string());
  }

  /// The log-probabilities of the reference for the texts of `samples`, [texts]; undefined without a reference.
  at::Tensor reference_of(const std::vector<const RankedSample*>& samples) {
    if (!reference_) return {};
    std::vector<float> numbers;
    for (const RankedSample* sample : samples) {
      const std::span<const float> known = reference_->of(*sample);
      numbers.insert(numbers.end(), known.begin(), known.end());
    }
    return to_device(numbers, device());
  }

  /// In the loss kto the mismatched completions of `samples`, else none.
  std::vector<const RankedSample*> mismatched_of(const std::vector<const RankedSample*>& samples, bool train) const {
    std::vector<const RankedSample*> others;
    if (config_.dpo.loss != PreferenceLoss::kto) return others;
    const auto& own = train ? data_.train.samples : samples_to_evaluate();
    const auto& mismatched = &own == &data_.train.samples ? mismatched_train_ : mismatched_eval_;
    for (const RankedSample* sample : samples)
      others.push_back(&mismatched[static_cast<std::size_t>(sample - own.data())]);
    return others;
  }

  /// The KL to the reference in the loss kto.
  at::Tensor estimate_kl(const std::vector<const RankedSample*>& mismatched) {
    std::vector<at::Tensor> policy, reference;
    for_each_completion(*model_, mismatched, micro_batch_tokens_, [&](const auto& members, const at::Tensor& logprobs) {
      policy.push_back(logprobs);
      reference.push_back(reference_of(members));
    });
    return kto_kl(at::cat(policy), at::cat(reference));
  }

  std::unique_ptr<SupervisedStep> run(const std::vector<const RankedSample*>& samples, const Update& update) override {
    auto done = std::make_unique<DpoStep>();
    const RankedCounts counts = count(samples);
    done->tokens = done->work.useful_tokens = counts.tokens;
    done->pairs = counts.pairs;
    done->weight = counts.weight;
    DpoFigures figures(device());
    at::Tensor kl;
    if (config_.dpo.loss == PreferenceLoss::kto) {
      kl = estimate_kl(mismatched_of(samples, update != nullptr));
      figures.put(DpoStep::kKl, kl);
      done->has_kl = true;
    }
    for_each_group(samples, counts.lengths, micro_batch_tokens_, [&](const auto& members) {
      CompletionBatch batch = make_completion_batch(members, device());
      batch.packed.share = share_of(members, samples);
      done->work.label_rows += batch.targets.size(0);
      done->work.head_rows +=
          add(batch, reference_of(members), kl, static_cast<double>(samples.size()), update != nullptr, figures);
    });
    if (update) figures.put(DpoStep::kGradNorm, update());
    done->work.processed_tokens = model_->take_processed_tokens();
    done->figures = figures.fetch();
    if (update) done->grad_norm = done->figures[DpoStep::kGradNorm];
    done->router_loss = model_->take_router_loss();
    return done;
  }

  /// Runs a micro-batch and returns the number of rows of logits computed.
  std::int64_t add(const CompletionBatch& batch, const at::Tensor& reference, const at::Tensor& kl, double samples,
                   bool train, DpoFigures& figures) {
    const auto loss = [&](const at::Tensor& logprobs) {
      return loss_of(pairs_of(batch, logprobs, reference), batch.labels, kl);
    };
    const auto mean_loss = [&](const at::Tensor& logprobs) { return loss(logprobs).div(samples); };
    const Logprobs result = completion_logprobs(*model_, batch, train ? CompletionLoss(mean_loss) : nullptr);
    figures.add(DpoStep::kLoss, loss(result.logprobs));
    add_figures(pairs_of(batch, result.logprobs, reference), batch.labels.weight, figures);
    return result.head_rows;
  }

  /// The pairs of a batch, from the log-probabilities of the policy, [C], and of the reference, [texts].
  static PairLogprobs pairs_of(const CompletionBatch& batch, const at::Tensor& logprobs, const at::Tensor& reference) {
    const at::Tensor policy = segment_sum(logprobs, batch.completions);
    // at::index instead of index_select, whose backward pass is not deterministic on a GPU.
    const auto pick = [](const at::Tensor& texts, const at::Tensor& which) {
      return texts.defined() ? at::index(texts, {which}) : texts;
    };
    const at::Tensor tokens = to_device(batch.completions.lengths(), policy.device()).to(policy.dtype()).clamp_min(1);
    return {pick(policy, batch.chosen),      pick(policy, batch.rejected), pick(reference, batch.chosen),
            pick(reference, batch.rejected), pick(tokens, batch.chosen),   pick(tokens, batch.rejected)};
  }

  /// `kl` is that of estimate_kl(), for the loss kto.
  at::Tensor loss_of(const PairLogprobs& pairs, const PairLabels& labels, const at::Tensor& kl) const {
    const DpoOptions& options = config_.dpo;
    switch (options.loss) {
      case PreferenceLoss::dpo:
      case PreferenceLoss::robust:  // the labels are another function of label_smoothing
        return dpo_loss(pairs, labels, options.beta);
      case PreferenceLoss::dpo_norm:
        return dpo_norm_loss(pairs, labels, options.beta);
      case PreferenceLoss::ipo:
        return dpo_ipo_loss(pairs, labels, options.beta);
      case PreferenceLoss::hinge:
        return dpo_hinge_loss(pairs, labels, options.beta);
      case PreferenceLoss::simpo:
        return simpo_loss(pairs, labels, options.beta, options.simpo_gamma);
      case PreferenceLoss::orpo:
        return orpo_loss(pairs, labels, options.beta);
      case PreferenceLoss::kto:
        return kto_loss(pairs, labels, options.beta, kl);
    }
    throw ConfigError({"dpo.loss: expected a known loss, found another"});
  }

  void add_figures(const PairLogprobs& pairs, const at::Tensor& weight, DpoFigures& figures) const {
    const at::NoGradGuard no_gradient;
    const auto reward = [&](const at::Tensor& policy, const at::Tensor& reference, const at::Tensor& tokens) {
      return (reference_ ? policy.sub(reference) : policy.div(tokens)).mul(config_.dpo.beta);
    };
    const at::Tensor chosen = reward(pairs.chosen, pairs.ref_chosen, pairs.chosen_tokens);
    const at::Tensor rejected = reward(pairs.rejected, pairs.ref_rejected, pairs.rejected_tokens);
    const auto add = [&](DpoStep::Figure figure, const at::Tensor& terms) {
      figures.add(figure, terms.mul(weight).sum());
    };
    add(DpoStep::kRanked, chosen.gt(rejected));
    add(DpoStep::kChosen, chosen);
    add(DpoStep::kRejected, rejected);
    add(DpoStep::kChosenLogprob, pairs.chosen);
    add(DpoStep::kRejectedLogprob, pairs.rejected);
  }

  const bool evaluation_only_;
  std::optional<ModelFolder> reference_folder_;                   ///< of dpo.reference
  std::vector<RankedSample> mismatched_train_, mismatched_eval_;  ///< of the loss kto
  std::optional<ReferenceLogprobs> reference_;
  bool reference_is_known_ = false;
};

}  // namespace

RunSummary train_dpo(const DpoConfig& config, const RunOptions& options) {
  const DpoConfig used = options.eval_only ? config_to_evaluate(config) : config;
  options.eval_only ? check_ranges(used) : check_config(used);
  if (options.eval_only && needs_reference(used.dpo.loss) && used.dpo.reference.empty())
    throw ConfigError(
        {"dpo.reference: expected the folder of the initial model, with which an evaluation without training compares "
         "model.path, found nothing"});
  Dpo method(used, options.eval_only);
  return run_method(method, run_settings("dpo", used), options);
}

}  // namespace rlhf
