// Direct preference optimisation and its relatives.
#include "rlhf/train/dpo.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index.h>

#include "rlhf/algo/preference_loss.h"
#include "rlhf/config/check_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "completion_logprobs.h"
#include "dpo_step.h"
#include "kto.h"
#include "language_method.h"
#include "ranked_batch.h"
#include "ranked_samples.h"
#include "reference_logprobs.h"
#include "sum_over_ranks.h"
#include "text_weights.h"

namespace rlhf {

namespace {

bool has_margins(const std::vector<RankedSample>& samples) {
  return std::ranges::any_of(samples, [](const RankedSample& sample) {
    return std::ranges::any_of(sample.pairs, [](const RankedPair& pair) { return pair.margin != 0; });
  });
}

class Dpo final : public LanguageMethod<RankedSample, DpoConfig, Stage::dpo> {
 public:
  Dpo(const DpoConfig& config, bool evaluation_only) : LanguageMethod(config), evaluation_only_(evaluation_only) {}

  MethodPlan plan(const Setup& setup) override {
    setup_ = &setup;
    expect_language_model(setup.folder, "model.path");
    data_ = load_preferences(data_options(setup), seed_, *setup.tokenizer, setup.templates,
                             {.evaluation = evaluation_only_, .unpaired = is_kto()});
    read_reference_folder(setup);
    const SupervisedTokens tokens{
        .largest = largest(data_),
        .packed_share = packed_share(data_.train.samples, setup.compute.device, SharedPart::prompt),
        .evaluated = std::max(data_.eval.report.tokens, has_reference() ? data_.train.report.tokens : 0),
        .reference_bytes = reference_folder_ ? ModelMemory(setup.compute.dtype).weights(*reference_folder_, false) : 0,
        .forwards = is_kto() ? 1.0 : 0.0};  // of the mismatched completions
    MethodPlan plan = plan_samples(config_, data_, tokens, unit_of(data_), setup);
    if (reference_folder_ && !setup.dry_run) add_model(plan.inputs, "dpo.reference", *reference_folder_);
    if (!evaluation_only_) check_training_data(plan.data);
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
  bool is_kto() const { return config_.dpo.loss == PreferenceLoss::kto; }

  /// Adds to the data report what only kto reads.
  void check_training_data(std::vector<std::string>& report) {
    if (evaluates()) {
      choose_samples_to_evaluate();
      check_best_by(DpoStep(count(chosen_to_evaluate())).metrics());
    }
    if (!is_kto()) return;
    if (has_margins(data_.train.samples)) log_warning("dpo.loss: kto does not use margins, found pairs with a margin");
    const RankedCounts counts = count(data_.train.samples);
    if (counts.desirable + counts.undesirable > 0)
      report.push_back("single completions: " + std::to_string(std::llround(counts.desirable)) + " desirable, " +
                       std::to_string(std::llround(counts.undesirable)) + " undesirable");
    const std::string balance = kto_balance_warning(counts, config_.dpo);
    if (!balance.empty()) log_warning(balance);
  }

  /// `evaluated`: what an evaluation has, with any values.
  void check_best_by(const Metrics& evaluated) const {
    Metrics named;
    named.add(evaluated, std::string(kEvalPrefix));
    if (config_.eval.best_by.empty() || named.find(config_.eval.best_by) != nullptr) return;
    throw ConfigError({"eval.best_by: expected a metric of the data to evaluate on, found " + config_.eval.best_by +
                       ", which needs pairs, or completions of both labels"});
  }

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
    if (is_kto()) {
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
      reference_->compute(model, samples, micro_batch_tokens_, *setup_->ranks);
    };
    if (!reference_folder_) return compute(*model_, "the initial model");
    const auto model = load_causal_lm(*reference_folder_, device(), setup_->compute.dtype, /*requires_grad=*/false,
                                      seed_, /*allow_missing_head=*/false, setup_->keeping());
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
    if (!is_kto()) return others;
    const auto& own = train ? data_.train.samples : samples_to_evaluate();
    const auto& mismatched = &own == &data_.train.samples ? mismatched_train_ : mismatched_eval_;
    for (const RankedSample* sample : samples)
      others.push_back(&mismatched[static_cast<std::size_t>(sample - own.data())]);
    return others;
  }

  /// The KL to the reference in the loss kto.
  at::Tensor estimate_kl(const std::vector<const RankedSample*>& mismatched) {
    const at::Tensor policy = text_logprobs(*model_, mismatched, micro_batch_tokens_, *setup_->ranks);
    return kto_kl(policy, reference_of(mismatched));
  }

  std::unique_ptr<SupervisedStep> run(const std::vector<const RankedSample*>& samples, const Update& update) override {
    auto done = std::make_unique<DpoStep>(count(samples));
    const Ranks& ranks = *setup_->ranks;
    DpoFigures figures(device());
    const at::Tensor kl = is_kto() ? estimate_kl(mismatched_of(samples, update != nullptr)) : at::Tensor();
    const auto run_group = [&](const std::vector<const RankedSample*>& members) {
      CompletionBatch batch = make_completion_batch(members, device());
      batch.packed.share = share_of(members, samples);
      done->work.label_rows += batch.targets.size(0);
      done->work.head_rows += add(members, batch, kl, static_cast<double>(samples.size()), update != nullptr, figures);
    };
    for_each_group(samples, {done->counts.lengths, done->counts.completion_tokens}, micro_batch_tokens_, *model_,
                   run_group, ranks, trained(update));
    figures.sum(ranks);
    done->has_kl = kl.defined();
    if (done->has_kl) figures.put(DpoStep::kKl, kl);
    if (update) figures.put(DpoStep::kGradNorm, update());
    done->work.processed_tokens = model_->take_processed_tokens();
    sum_over_ranks(ranks, done->work);
    done->work.useful_tokens = done->counts.tokens;  // of all ranks
    done->figures = figures.fetch();
    if (update) done->grad_norm = done->figures[DpoStep::kGradNorm];
    done->router_loss = model_->take_router_loss();
    sum_over_ranks(ranks, done->router_loss);
    return done;
  }

  /// Runs a micro-batch and returns the number of rows of logits computed. `kl` is that of estimate_kl(), for the loss
  /// kto.
  std::int64_t add(const std::vector<const RankedSample*>& members, const CompletionBatch& batch, const at::Tensor& kl,
                   double samples, bool train, DpoFigures& figures) {
    const at::Tensor reference = reference_of(members);
    const TextWeights weights = is_kto() ? kto_weights(members, config_.dpo, device()) : TextWeights();
    const auto loss = [&](const at::Tensor& logprobs) {
      const at::Tensor policy = segment_sum(logprobs, batch.completions);
      if (is_kto()) return kto_loss(policy, reference, weights.chosen, weights.rejected, config_.dpo.beta, kl);
      return loss_of(pairs_of(batch, policy, reference), batch.labels);
    };
    const auto mean_loss = [&](const at::Tensor& logprobs) { return loss(logprobs).div(samples); };
    const Logprobs result = completion_logprobs(*model_, batch, train ? CompletionLoss(mean_loss) : nullptr);
    figures.add(DpoStep::kLoss, loss(result.logprobs));
    add_figures(batch, segment_sum(result.logprobs, batch.completions), reference, label_weights(members, device()),
                figures);
    return result.head_rows;
  }

  /// The numbers of some of the texts. at::index instead of index_select, whose backward pass is not deterministic on a
  /// GPU.
  static at::Tensor at_texts(const at::Tensor& texts, const at::Tensor& which) {
    return texts.defined() ? at::index(texts, {which}) : texts;
  }

  /// The numbers of tokens of completions, at least 1.
  static at::Tensor lengths_of(const CompletionBatch& batch, const at::Tensor& like) {
    return to_device(batch.completions.lengths(), like.device()).to(like.dtype()).clamp_min(1);
  }

  /// The pairs of a batch, from the log-probabilities of the policy and of the reference, [texts].
  static PairLogprobs pairs_of(const CompletionBatch& batch, const at::Tensor& policy, const at::Tensor& reference) {
    const at::Tensor tokens = lengths_of(batch, policy);
    return {at_texts(policy, batch.chosen),      at_texts(policy, batch.rejected), at_texts(reference, batch.chosen),
            at_texts(reference, batch.rejected), at_texts(tokens, batch.chosen),   at_texts(tokens, batch.rejected)};
  }

  at::Tensor loss_of(const PairLogprobs& pairs, const PairLabels& labels) const {
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
        break;
    }
    throw ConfigError({"dpo.loss: expected a known loss of pairs, found another"});
  }

  /// `policy` and `reference` are log-probabilities, [texts].
  void add_figures(const CompletionBatch& batch, const at::Tensor& policy, const at::Tensor& reference,
                   const TextWeights& weights, DpoFigures& figures) const {
    const at::NoGradGuard no_gradient;
    const at::Tensor rewards =
        (reference.defined() ? policy.sub(reference) : policy.div(lengths_of(batch, policy))).mul(config_.dpo.beta);
    const at::Tensor ranked = at_texts(rewards, batch.chosen).gt(at_texts(rewards, batch.rejected));
    figures.add(DpoStep::kRanked, ranked.mul(batch.labels.weight).sum());
    const auto add = [&](DpoStep::Figure figure, const at::Tensor& texts, const at::Tensor& weight) {
      figures.add(figure, texts.mul(weight).sum());
    };
    add(DpoStep::kChosen, rewards, weights.chosen);
    add(DpoStep::kRejected, rewards, weights.rejected);
    add(DpoStep::kChosenLogprob, policy, weights.chosen);
    add(DpoStep::kRejectedLogprob, policy, weights.rejected);
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
