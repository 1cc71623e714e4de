// PPO as a method of a run: models, plan, checkpoints and results.
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "rlhf/config/check_config.h"
#include "rlhf/train/on_policy_models.h"
#include "rlhf/train/ppo.h"

namespace rlhf {

namespace {

class PpoMethod final : public Method {
 public:
  PpoMethod(const PpoConfig& config, RewardSource* reward) : config_(config), own_reward_(reward) {}

  MethodPlan plan(const Setup& setup) override {
    const PpoModelOptions& paths = config_.model;
    parts_.emplace(setup, OnPolicyModelOptions{paths.policy, paths.reward, paths.reference, paths.reward_ensemble},
                   config_.data, config_.rollout, config_.reward, own_reward_);
    MethodPlan plan = config_.ppo.has_value_model() ? plan_with_value_model(setup) : parts_->plan({});
    const PpoPlan sizes = plan_ppo(config_, plan.micro_batch_tokens);
    plan.total_steps = sizes.rollouts;
    plan.summary = sizes.summary(config_, parts_->data().mean_tokens() + config_.rollout.max_new_tokens);
    micro_batch_tokens_ = plan.micro_batch_tokens;
    return plan;
  }

  void load() override {
    const Setup& setup = parts_->setup();
    parts_->load(config_.train.seed, micro_batch_tokens_);
    if (config_.ppo.has_value_model())
      value_ = load_scalar_model(value_folder_, setup.compute.device, setup.compute.dtype, true,
                                 static_cast<std::uint64_t>(config_.train.seed));
    models_.emplace(PpoModels{parts_->policy(), parts_->reference(), value_ ? &*value_ : nullptr, parts_->reward(),
                              setup.tokenizer.get()});
    state_.emplace(*models_, config_);
  }

  void start(std::int64_t step) override {
    parts_->settle_agreement_penalty(config_.reward, config_.ppo.kl_coef, step);
  }

  std::unique_ptr<StepRecord> step(const StepPosition& at) override {
    auto done = ppo_step(*models_, *state_, parts_->prompts(at.step), parts_->setup().templates.stop_ids, config_,
                         micro_batch_tokens_, at);
    parts_->warn_if_none_ends(done->scored.rollout);
    return done;
  }

  bool evaluates() const override { return parts_->evaluates(); }
  std::unique_ptr<StepRecord> evaluate() override {
    return parts_->evaluate(config_.eval, config_.reward, state_->kl_coef);
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
    nlohmann::json numbers{{"kl_coef", state_->kl_coef}};
    if (const auto& penalty = config_.reward.agreement_penalty.number) numbers["agreement_penalty"] = *penalty;
    return numbers;
  }
  void restore_numbers(const nlohmann::json& numbers) override {
    state_->kl_coef = numbers.at("kl_coef");
    auto& penalty = config_.reward.agreement_penalty.number;
    if (!penalty && numbers.contains("agreement_penalty")) penalty = numbers.at("agreement_penalty").get<double>();
  }

  std::string next_command(const std::filesystem::path& folder) const override {
    return generate_command(folder, parts_->data().counts.chat);
  }

  std::vector<SavedModel> models() override {
    if (!value_) return {parts_->saved_policy(state_->policy.weights)};
    const auto save_value = [this](const std::filesystem::path& path) {
      SaveOptions options = parts_->save_options(SavedHead::scalar);
      options.dtype = value_folder_.file_dtype;
      save_scalar_model(value_folder_, state_->value->weights.file_tensors(), value_->reward_mean(), options, path);
    };
    return {parts_->saved_policy(state_->policy.weights), {"-value", save_value}};
  }

 private:
  MethodPlan plan_with_value_model(const Setup& setup) {
    // With a C++ reward and no value model in the config, the value model is the policy with a new scalar head.
    const PpoModelOptions& paths = config_.model;
    const std::string& reward = paths.reward.empty() ? paths.policy : paths.reward;
    const std::string& value = paths.value.empty() ? reward : paths.value;
    const char* const key = !paths.value.empty()    ? "model.value"
                            : !paths.reward.empty() ? "model.reward"
                                                    : "model.policy";
    value_folder_ = read_companion(value, key, setup);
    parts_->check_positions_of(value_folder_);
    MethodPlan plan = parts_->plan(
        {{{"value model and training state", model_bytes(value_folder_.shape, setup.compute.dtype, true)}}});
    add_model(plan.inputs, "model.value", value);
    return plan;
  }

  PpoConfig config_;  ///< as read, but reward.agreement_penalty is a number from start() on
  RewardSource* own_reward_;
  std::optional<OnPolicyModels> parts_;
  ModelFolder value_folder_;
  std::int64_t micro_batch_tokens_ = 0;
  std::optional<ScalarModel> value_;
  std::optional<PpoModels> models_;
  std::optional<PpoState> state_;
};

}  // namespace

RunSummary train_ppo(const PpoConfig& config, const RunOptions& options, RewardSource* reward) {
  check_config(config);
  PpoMethod method(config, reward);
  return run_method(method, run_settings("ppo", config), options);
}

}  // namespace rlhf
