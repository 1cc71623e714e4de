// PPO as a method of a run: models, plan, checkpoints and results.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/check_config.h"
#include "rlhf/core/log.h"
#include "rlhf/data/load_data.h"
#include "rlhf/train/on_policy_models.h"
#include "rlhf/train/ppo.h"

#include "ppo_alarms.h"

namespace rlhf {

namespace {

class PpoMethod final : public Method {
 public:
  PpoMethod(const PpoConfig& config, RewardSource* reward) : config_(config), own_reward_(reward) {}

  bool shares_work() const override { return true; }

  MethodPlan plan(const Setup& setup) override {
    const PpoModelOptions& paths = config_.model;
    parts_.emplace(setup, on_policy_models(paths), config_.data, config_.rollout, config_.reward, own_reward_);
    if (config_.ppo.ptx_coef > 0) ptx_data_ = load_ptx(setup);
    std::vector<OnPolicyModels::OtherModel> others;
    if (config_.ppo.has_value_model()) {
      read_value_model();
      others.push_back({"value model", value_folder_, config_.value_optimizer});
    }
    if (paths.shared_trunk) parts_->expect_shared_trunk(config_.ppo.has_value_model() ? &value_folder_ : nullptr);
    MethodPlan plan = parts_->plan(config_.optimizer, others, ptx_data_.train.report.longest);
    add_inputs(plan);
    const PpoPlan sizes = plan_ppo(config_, plan.micro_batch_tokens);
    plan.total_steps = sizes.rollouts;
    plan.summary = sizes.summary(config_, parts_->data().mean_tokens() + config_.rollout.max_new_tokens);
    if (setup.cluster) add_updates(plan.workload);
    micro_batch_tokens_ = plan.micro_batch_tokens;
    return plan;
  }

  void load() override {
    const Setup& setup = parts_->setup();
    parts_->load(config_.train.seed, micro_batch_tokens_);
    if (config_.ppo.has_value_model()) {
      value_ = parts_->trunks().scalar_model(value_folder_, /*requires_grad=*/true,
                                             static_cast<std::uint64_t>(config_.train.seed));
      setup.prepare_to_train(value_->trunk());
    }
    if (config_.ppo.ptx_coef > 0)
      ptx_.emplace(std::move(ptx_data_.train.samples), config_.rollout.batch_size / config_.ppo.num_mini_batches,
                   static_cast<std::uint64_t>(config_.train.seed), micro_batch_tokens_);
    models_.emplace(PpoModels{parts_->policy(), parts_->reference(), value_ ? &*value_ : nullptr, parts_->reward(),
                              setup.tokenizer.get(), ptx_ ? &*ptx_ : nullptr, *setup.ranks});
    state_.emplace(*models_, config_);
  }

  void start(std::int64_t step) override {
    completed_ = step;
    parts_->settle_agreement_penalty(config_.reward, config_.ppo.kl_coef, step);
  }

  std::unique_ptr<StepRecord> step(const StepPosition& at) override {
    auto done = ppo_step(
        *models_, *state_, parts_->prompts(at.step), parts_->setup().templates.stop_ids, config_, micro_batch_tokens_,
        at, [&](std::int64_t round, std::int64_t count) { return parts_->refill_prompts(at.step, round, count); });
    parts_->warn_if_none_ends(done->scored.rollout);
    completed_ = at.step + 1;
    for (const std::string& line : alarms_.after_step(PpoAlarms::figures_of(done->metrics()))) log_warning(line);
    return done;
  }

  bool evaluates() const override { return parts_->evaluates(); }
  std::unique_ptr<StepRecord> evaluate() override {
    auto found = parts_->evaluate(config_.eval, config_.reward, state_->kl_coef);
    if (!found->held_out_score) return found;
    const PpoAlarms::Evaluated evaluated{found->kl, found->score, *found->held_out_score};
    for (const std::string& line : alarms_.after_evaluation(completed_, evaluated)) log_warning(line);
    found->held_out_peak_kl = alarms_.peak_kl();
    return found;
  }
  std::string main_metric() const override { return "eval_objective/scores"; }
  Better better(const std::string& metric) const override {
    return better_of(Stage::ppo, metric).value_or(Better::lower);
  }

  std::vector<NamedTrainee> trainees() override {
    std::vector<NamedTrainee> all = {{"policy", state_->policy}};
    if (state_->value) all.push_back({"value", *state_->value});
    return all;
  }
  nlohmann::json numbers() const override {
    const RunningMoments& scores = state_->score_moments;
    nlohmann::json numbers{{"kl_coef", state_->kl_coef},
                           {"score_moments", {scores.count, scores.mean, scores.squares}},
                           {"alarms", alarms_.state()}};
    if (const auto& penalty = config_.reward.agreement_penalty.number) numbers["agreement_penalty"] = *penalty;
    return numbers;
  }
  void restore_numbers(const nlohmann::json& numbers) override {
    state_->kl_coef = numbers.at("kl_coef");
    const nlohmann::json& scores = numbers.at("score_moments");
    state_->score_moments = {scores.at(0), scores.at(1), scores.at(2)};
    alarms_.restore(numbers.at("alarms"));
    auto& penalty = config_.reward.agreement_penalty.number;
    if (!penalty && numbers.contains("agreement_penalty")) penalty = numbers.at("agreement_penalty").get<double>();
  }

  std::string next_command(const std::filesystem::path& folder) const override {
    return generate_command(folder, parts_->data().counts.chat);
  }

  std::vector<SavedModel> models() override {
    SavedModel policy = parts_->saved_policy([this] { return state_->policy.file_tensors(); });
    if (!value_) return {std::move(policy)};
    const auto save_value = [this](const TensorStream& weights, const std::filesystem::path& path) {
      SaveOptions options = parts_->save_options(SavedHead::scalar);
      options.dtype = value_folder_.saved_dtype();
      save_scalar_model(value_folder_, weights, value_->reward_mean(), options, path);
    };
    return {std::move(policy), {"-value", [this] { return state_->value->file_tensors(); }, save_value}};
  }

 private:
  /// The samples of data.ptx, split or dropped where the policy has fewer positions.
  DataSet<Sample> load_ptx(const Setup& setup) const {
    DataOptions options{.over_length = OverLength::split, .max_bad_lines = config_.data.max_bad_lines};
    for (const std::string& path : config_.data.ptx) options.train.push_back({path});
    options = with_max_length(std::move(options), setup.folder.shape.max_positions, config_.train.micro_batch_tokens);
    return load_demonstrations(options, static_cast<std::uint64_t>(config_.train.seed), *setup.tokenizer,
                               setup.templates);
  }

  void add_inputs(MethodPlan& plan) const {
    if (config_.ppo.has_value_model() && !parts_->setup().dry_run) add_model(plan.inputs, "model.value", value_folder_);
    if (config_.ppo.ptx_coef == 0) return;
    add_data(plan.inputs, "data.ptx", ptx_data_.counts);
    plan.data.push_back("data.ptx: " + ptx_data_.train.report.summary());
  }

  void add_updates(Workload& work) const {
    const auto epochs = static_cast<double>(config_.ppo.num_ppo_epochs);
    work.passes = epochs;
    work.updates = epochs * static_cast<double>(config_.ppo.num_mini_batches);
    if (config_.ppo.ptx_coef == 0) return;
    const DataReport& report = ptx_data_.train.report;
    const double mean = static_cast<double>(report.tokens) / static_cast<double>(ptx_data_.train.samples.size());
    work.roles.front().more_tokens = epochs * work.sequences * mean;
  }

  void read_value_model() {
    // With a C++ reward and no value model in the config, the value model is the policy with a new scalar head.
    const PpoModelOptions& paths = config_.model;
    const std::string& reward = paths.reward.empty() ? paths.policy : paths.reward;
    const std::string& value = paths.value.empty() ? reward : paths.value;
    const char* const key = !paths.value.empty()    ? "model.value"
                            : !paths.reward.empty() ? "model.reward"
                                                    : "model.policy";
    value_folder_ = parts_->read_trained(value, key);
  }

  PpoConfig config_;  ///< as read, but reward.agreement_penalty is a number from start() on
  RewardSource* own_reward_;
  std::optional<OnPolicyModels> parts_;
  ModelFolder value_folder_;
  DataSet<Sample> ptx_data_;  ///< empty without ppo.ptx_coef
  std::int64_t micro_batch_tokens_ = 0;
  std::optional<ScalarModel> value_;
  std::optional<PtxMix> ptx_;
  std::optional<PpoModels> models_;
  std::optional<PpoState> state_;
  PpoAlarms alarms_;
  std::int64_t completed_ = 0;  ///< steps
};

}  // namespace

RunSummary train_ppo(const PpoConfig& config, const RunOptions& options, RewardSource* reward) {
  check_config(config);
  PpoMethod method(config, reward);
  return run_method(method, run_settings("ppo", config), options);
}

}  // namespace rlhf
