// The Bradley-Terry reward model.
#include "rlhf/train/reward_model.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/config/check_config.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/nn/scalar_model.h"

#include "annotator_report.h"
#include "evaluated_pairs.h"
#include "figures.h"
#include "learned_labels.h"
#include "ranked_batch.h"
#include "ranked_samples.h"
#include "sum_over_ranks.h"
#include "supervised.h"
#include "text_numbers.h"

namespace rlhf {

namespace {

/// The record of a step or evaluation: means over samples by their weights; rewards over texts.
struct RewardModelStep : SupervisedStep {
  enum Figure { kLoss, kCentering, kRanked, kMargin, kReward, kLowest, kHighest, kGradNorm, kNumFigures };
  std::array<double, kNumFigures> figures{};  ///< sums, then the extremes of the rewards and the gradient norm
  double samples = 0, weight = 0, texts = 0, centering = 0;

  Metrics headline() const override {
    return {{"loss", figures[kLoss] / weight}, {"accuracy", figures[kRanked] / weight}};
  }
  Metrics metrics() const override {
    Metrics named = headline();
    if (centering > 0) named.set("centering_loss", centering * figures[kCentering] / weight);
    named.add({{"margin", figures[kMargin] / weight},
               {"min_reward", figures[kLowest]},
               {"mean_reward", figures[kReward] / texts},
               {"max_reward", figures[kHighest]}});
    return with_optimizer(std::move(named));
  }
};

/// The texts whose mean score is subtracted: 256 random ones of those that are never rejected, or of all texts. The
/// standard error of the mean is then 1/16 of the standard deviation of the scores; more texts would delay every save.
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

void log_dropped(const JudgedVotes& judged) {
  log_info("annotators (drop_in_play): " + std::to_string(judged.dropped_votes) +
           " votes left out on pairs where a bias is in play; " + std::to_string(judged.expert_votes) +
           " judgments of experts");
}

class RewardModel final : public SupervisedMethod<RankedSample, RewardModelConfig, Stage::reward_model> {
 public:
  RewardModel(const RewardModelConfig& config, std::vector<AnnotatorFeature> features, bool evaluation_only)
      : SupervisedMethod(config), features_(std::move(features)), evaluation_only_(evaluation_only) {}

  MethodPlan plan(const Setup& setup) override {
    setup_ = &setup;
    const RewardModelOptions& options = config_.reward_model;
    data_ = load_preferences(data_options(setup), seed_, *setup.tokenizer, setup.templates,
                             {options.annotators, options.biases, features_, evaluation_only_});
    if (learns_labels(options.annotators) && !evaluation_only_) learn_labels();
    if (options.annotators == AnnotatorMethod::drop_in_play && !evaluation_only_) log_dropped(data_.judged);
    const bool centres = config_.reward_model.center_on != CenterOn::none;
    const SupervisedTokens tokens{
        .largest = largest(data_),
        .packed_share = packed_share(data_.train.samples, setup.compute.device, SharedPart::beginning),
        .evaluated = std::max(data_.eval.report.tokens, centres ? data_.train.report.tokens / 2 : 0),
        .head = false};
    MethodPlan plan = plan_samples(config_, data_, tokens, unit_of(data_), setup);
    if (labels_ && !labels_->changes())
      for (std::string& line : table_of(*labels_)) plan.data.push_back(std::move(line));
    plan.first_samples = first_samples(data_.train.samples, *setup.tokenizer);
    micro_batch_tokens_ = plan.micro_batch_tokens;
    return plan;
  }

  void load() override {
    model_ = load_scalar_model(setup_->folder, setup_->compute.device, setup_->compute.dtype, true, seed_,
                               setup_->keeping());
    setup_->prepare_to_train(model_->trunk());
    train_these(model_->parameters(), model_->trunk());
    if (!labels_) smooth_labels();
    centred_on_ = centring_texts(data_.train.samples, config_.reward_model.center_on, config_.train.seed);
  }

  /// The texts of a few samples with their scores (not centred).
  std::vector<nlohmann::ordered_json> show() override {
    const at::NoGradGuard no_gradient;
    std::vector<nlohmann::ordered_json> lines;
    const auto& samples = evaluates() ? data_.eval.samples : data_.train.samples;
    lend_weights(model_->trunk(), [&] {
      for (std::size_t i = 0; i < std::min(samples.size(), kShown); ++i) {
        const RankedBatch batch = make_ranked_batch({&samples[i]}, device());
        add_lines(samples[i], model_->values(batch.packed, batch.rows).cpu(), lines);
      }
    });
    model_->trunk().take_processed_tokens();  // not part of the work of a step
    return lines;
  }

  std::string next_command(const std::filesystem::path& folder) const override {
    return "rlhf-ppo model.policy=" + (config_.model.path.empty() ? "FOLDER" : config_.model.path) +
           " model.reward=" + folder.string() + " data.prompts=[FILE] train.output=FOLDER";
  }

  void load_to_evaluate() override {
    if (!setup_->folder.scalar_head)
      throw ModelError("model.path: " + setup_->folder.path.string() +
                       ": expected a model with a scalar head, found a language model; hint: train one with rlhf-rm");
    model_ = load_scalar_model(setup_->folder, setup_->compute.device, setup_->compute.dtype, /*requires_grad=*/false);
    if (const auto padding = setup_->folder.padding_is_eos) {
      // Such a model reads the score before the EOS (nn/scalar_model.h).
      for (auto* set : {&data_.train, &data_.eval})
        for (RankedSample& sample : set->samples)
          for (TokenIds& text : sample.texts)
            while (text.size() > 1 && text.back() == *padding) text.pop_back();
    }
    choose_samples_to_evaluate();
  }

  nlohmann::json numbers() const override { return labels_ ? labels_->state() : nlohmann::json::object(); }
  void restore_numbers(const nlohmann::json& numbers) override {
    if (!labels_) return;
    labels_->restore(numbers);
    write_labels_to_samples();
  }

  std::vector<std::filesystem::path> write_results(const std::filesystem::path& folder) override {
    if (!labels_) return {};
    labels_->fit();  // with the last margins
    if (labels_->changes())
      for (const std::string& line : table_of(*labels_)) log_info(line);
    const auto annotators = folder / "annotators.json", labels = folder / "labels.jsonl";
    write_file_atomically(annotators, to_json(*labels_).dump(2) + "\n");
    log_info("labels learned: " + std::to_string(write_labels(*labels_, config_.data, labels)) + " in " +
             labels.string() + "; annotators in " + annotators.string());
    return {annotators, labels};
  }

  const std::vector<EvaluatedPair>& last_evaluated() const { return last_evaluated_; }

  void before_saving() override {
    if (!centred_on_.empty()) mean_ = mean_score(centred_on_);
  }

  std::vector<SavedModel> models() override {
    return {{"", [this] { return trainee_->file_tensors(); },
             [this](const TensorStream& weights, const std::filesystem::path& path) {
               const SaveOptions options =
                   setup_->save_options(data_.counts, data_.counts.templated, SavedHead::scalar);
               save_scalar_model(setup_->folder, weights, mean_, options, path);
             }}};
  }

 private:
  static constexpr std::size_t kShown = 2;
  static constexpr std::int64_t kFitsPerEpoch = 10;

  void learn_labels() {
    labels_.emplace(config_.reward_model, std::move(data_.judged), data_.train.samples);
    write_labels_to_samples();
    for (const std::string& limit : limits(*labels_)) log_warning("reward_model.annotators: " + limit);
  }

  void smooth_labels() {
    smooth(data_.train.samples, config_.reward_model.label_smoothing, config_.reward_model.unbiased_smoothing);
  }

  void write_labels_to_samples() {
    labels_->label(data_.train.samples);
    smooth_labels();
  }

  /// Methods that learn along fit again ten times in an epoch, from the second tenth on.
  void prepare_step(std::int64_t step) override {
    if (!labels_ || !labels_->changes() || step == 0) return;
    const auto samples = static_cast<std::int64_t>(data_.train.samples.size());
    const std::int64_t epoch = (samples + config_.train.batch_size - 1) / config_.train.batch_size;
    if (step % std::max<std::int64_t>(1, epoch / kFitsPerEpoch) != 0) return;
    labels_->fit();
    write_labels_to_samples();
  }

  at::Device device() const { return model_->trunk().device(); }

  /// A line for each text of a sample: prompt, completion, score, and how many of the others it beats in the data.
  void add_lines(const RankedSample& sample, const at::Tensor& scores, std::vector<nlohmann::ordered_json>& lines) {
    std::vector<std::int64_t> beaten(sample.texts.size(), 0);
    for (const RankedPair& pair : sample.pairs) ++beaten[static_cast<std::size_t>(pair.chosen)];
    for (std::size_t i = 0; i < sample.texts.size(); ++i) {
      const TokenIds& ids = sample.texts[i];
      const auto boundary = ids.begin() + sample.prompt_length;
      lines.push_back({{"prompt", setup_->tokenizer->decode({ids.begin(), boundary})},
                       {"response", decode_after(*setup_->tokenizer, {ids.begin(), boundary}, {boundary, ids.end()})},
                       {"score", scores[static_cast<std::int64_t>(i)].item<double>()},
                       {"beats", beaten[i]}});
    }
  }

  std::unique_ptr<SupervisedStep> run(const std::vector<const RankedSample*>& samples, const Update& update) override {
    auto done = std::make_unique<RewardModelStep>();
    const RankedCounts counts = count(samples);
    done->tokens = counts.tokens;
    done->texts = static_cast<double>(counts.texts);
    done->pairs = counts.pairs;
    done->weight = counts.weight();
    done->samples = static_cast<double>(samples.size());
    done->centering = config_.reward_model.centering;
    const Ranks& ranks = *setup_->ranks;
    DeviceFigures<RewardModelStep::kNumFigures> figures(device());
    TextNumbers numbers(samples, device());
    const auto run_group = [&](const std::vector<const RankedSample*>& members) {
      RankedBatch batch = make_ranked_batch(members, device());
      batch.packed.share = share_of(members, samples);
      numbers.add(members, add(batch, done->samples, update != nullptr, figures));
    };
    for_each_group(samples, {counts.lengths, {}}, micro_batch_tokens_, model_->trunk(), run_group, ranks,
                   trained(update));
    const at::Tensor scores = numbers.of_all(ranks, "scores");
    figures.sum(ranks);
    figures.put(RewardModelStep::kLowest, scores.min());
    figures.put(RewardModelStep::kHighest, scores.max());
    if (update) figures.put(RewardModelStep::kGradNorm, update());
    done->work.processed_tokens = model_->trunk().take_processed_tokens();
    sum_over_ranks(ranks, done->work);
    done->work.useful_tokens = counts.tokens;  // of all ranks
    done->figures = figures.fetch();
    if (update) done->grad_norm = done->figures[RewardModelStep::kGradNorm];
    done->router_loss = model_->trunk().take_router_loss();
    sum_over_ranks(ranks, done->router_loss);
    if (!update) last_evaluated_ = evaluated_pairs(samples, scores.cpu());
    if (update && labels_) show_labels(samples, scores.cpu());
    return done;
  }

  /// Tells the labels the scores of the texts of training samples, [texts] in the order of `samples`.
  void show_labels(const std::vector<const RankedSample*>& samples, const at::Tensor& scores) {
    std::span<const float> left(scores.const_data_ptr<float>(), static_cast<std::size_t>(scores.numel()));
    for (const RankedSample* sample : samples) {
      labels_->see(static_cast<std::size_t>(sample - data_.train.samples.data()), left.first(sample->texts.size()));
      left = left.subspan(sample->texts.size());
    }
  }

  /// Runs a micro-batch and returns the scores of its texts, [texts].
  at::Tensor add(const RankedBatch& batch, double samples, bool train,
                 DeviceFigures<RewardModelStep::kNumFigures>& figures) {
    const at::AutoGradMode gradient(train);
    const at::Tensor scores = model_->values(batch.packed, batch.rows);
    // at::index instead of index_select, whose backward pass is not deterministic on a GPU.
    const at::Tensor chosen = at::index(scores, {batch.chosen}), rejected = at::index(scores, {batch.rejected});
    const at::Tensor& weight = batch.labels.weight;
    const RewardModelOptions& options = config_.reward_model;
    const at::Tensor loss = options.loss == RewardLoss::ipo ? ipo_loss(chosen, rejected, batch.labels, options.ipo_tau)
                                                            : bradley_terry_loss(chosen, rejected, batch.labels);
    const at::Tensor centering = centering_loss(chosen, rejected, weight);
    if (train) loss.add(centering, options.centering).div(samples).backward();
    const at::Tensor difference = chosen.sub(rejected).detach();
    figures.add(RewardModelStep::kLoss, loss);
    figures.add(RewardModelStep::kCentering, centering);
    figures.add(RewardModelStep::kRanked, difference.gt(0).mul(weight).sum());
    figures.add(RewardModelStep::kMargin, difference.mul(weight).sum());
    figures.add(RewardModelStep::kReward, scores.sum());
    return scores.detach();
  }

  double mean_score(const std::vector<const TokenIds*>& texts) {
    const at::NoGradGuard no_gradient;
    std::vector<std::int64_t> lengths;
    for (const TokenIds* text : texts) lengths.push_back(static_cast<std::int64_t>(text->size()));
    DeviceFigures<1> sum(device());
    const auto add = [&](const std::vector<const TokenIds*>& members) {
      sum.add(0, model_->scores(pack(members, device())).sum());
    };
    for_each_group(texts, {lengths, {}}, micro_batch_tokens_, model_->trunk(), add, *setup_->ranks);
    sum.sum(*setup_->ranks);
    model_->trunk().take_processed_tokens();  // not part of the work of a step
    return sum.fetch()[0] / static_cast<double>(texts.size());
  }

  const std::vector<AnnotatorFeature> features_;
  const bool evaluation_only_;
  std::optional<LearnedLabels> labels_;
  std::optional<ScalarModel> model_;
  std::vector<const TokenIds*> centred_on_;
  double mean_ = 0;  ///< of their scores when the model is saved
  std::vector<EvaluatedPair> last_evaluated_;
};

}  // namespace

RunSummary train_reward_model(const RewardModelConfig& config, const RunOptions& options,
                              std::vector<AnnotatorFeature> features) {
  const RewardModelConfig used = options.eval_only ? config_to_evaluate(config) : config;
  options.eval_only ? check_ranges(used) : check_config(used);
  RewardModel method(used, std::move(features), options.eval_only);
  RunSummary summary = run_method(method, run_settings("rm", used), options);
  summary.pairs = method.last_evaluated();
  return summary;
}

}  // namespace rlhf
