#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/nn/shared_trunks.h"
#include "rlhf/train/method.h"
#include "rlhf/train/on_policy.h"
#include "rlhf/train/policy_evaluation.h"

namespace rlhf {

/// Prompts, policy, reference and reward source of an on-policy run: the parts that every such method needs.
class OnPolicyModels {
 public:
  /// Reads prompts and model folders, but no weights. `own_reward`, if not null, replaces the reward model. The options
  /// and `setup` must outlive the object.
  OnPolicyModels(const Setup& setup, OnPolicyModelOptions paths, const PromptDataOptions& data,
                 const RolloutOptions& rollout, const RewardOptions& reward, RewardSource* own_reward);

  const Setup& setup() const { return setup_; }
  const PromptData& data() const { return data_; }
  /// The number of tokens of the longest prompt, evaluation prompts included, plus the longest response.
  std::int64_t longest() const { return std::max(data_.longest(), eval_data_.longest()) + rollout_.max_new_tokens; }
  /// Throws ModelError if longest() exceeds the positions of the model in `folder`.
  void check_positions_of(const ModelFolder& folder) const;

  /// Reads the folder of a further model that is trained, as the policy is: with a new adapter if model.lora is set and
  /// the folder is not that of one, and without dropout. `key` is the one in errors ("model.value").
  ModelFolder read_trained(const std::string& path, const std::string& key);

  /// A further model that is trained.
  struct OtherModel {
    std::string name;  ///< "value model"
    const ModelFolder& folder;
    const OptimizerOptions& optimizer;
  };
  /// A plan without total_steps and summary, whose workload has one pass over the rollout and one update. `optimizer`
  /// is that of the policy. `longest_sample` is the number of tokens of the longest sample that the policy is trained
  /// on beside its rollouts (0: none).
  MethodPlan plan(const OptimizerOptions& optimizer, const std::vector<OtherModel>& others = {},
                  std::int64_t longest_sample = 0) const;
  /// Throws ConfigError unless all models of the run, and `value` if it is not null, are adapters of one base model.
  void expect_shared_trunk(const ModelFolder* value) const;

  void load(std::int64_t seed, std::int64_t micro_batch_tokens);
  CausalLM& policy() { return *policy_; }
  CausalLM& reference() { return *reference_; }
  /// Loads further models of the run, which share frozen weights with these.
  SharedTrunks& trunks() { return *trunks_; }
  RewardSource& reward() { return own_reward_ ? *own_reward_ : *configured_reward_; }
  /// The prompts of rollout `step`, one per response.
  std::vector<const PromptSample*> prompts(std::int64_t step) const;
  /// Further prompts for round `round` of rollout.refill_equal_groups (choose_refill_prompts).
  std::vector<const PromptSample*> refill_prompts(std::int64_t step, std::int64_t round, std::int64_t count) const;

  /// Replaces reward.agreement_penalty, if it is auto, by its estimate from the initial policy (train/agreement.h).
  /// `step` is the number of completed steps: throws ConfigError unless it is 0, because later the policy is another.
  void settle_agreement_penalty(RewardOptions& reward, double kl_coef, std::int64_t step);

  /// Logs a warning, once, if no response of a rollout ended before its longest length.
  void warn_if_none_ends(const Rollout& rollout);
  /// Whether there are evaluation prompts (data.eval).
  bool evaluates() const { return !eval_data_.prompts.samples.empty(); }
  /// Evaluates the policy on at most eval.max_samples of them, the same in every evaluation of a run.
  std::unique_ptr<PolicyEvaluation> evaluate(const EvalOptions& eval, const RewardOptions& reward, double kl_coef);

  /// What saved folders contain besides weights.
  SaveOptions save_options(SavedHead head = SavedHead::language) const;
  /// The policy as the main model of the run. `weights`: SavedModel::weights.
  SavedModel saved_policy(std::function<TensorStream()> weights) const;

 private:
  void warn_of_no_belief() const;
  /// Throws ConfigError or DataError unless the term can score every prompt.
  void check_term(const RewardTerm& term) const;
  /// The reward model or the ensemble; null without model.reward.
  std::unique_ptr<RewardSource> load_reward_models(std::int64_t micro_batch_tokens);
  std::unique_ptr<RewardSource> with_terms(std::unique_ptr<RewardSource> model) const;
  EvaluatedModels models();
  /// Of a step with one pass over its rollout and one update.
  Workload workload(const OptimizerOptions& optimizer, const std::vector<OtherModel>& others) const;
  /// The memory of the phases of a step, and of saving.
  std::vector<Phase> phases(std::int64_t micro_batch_tokens, std::int64_t longest_sample) const;

  const Setup& setup_;
  OnPolicyModelOptions paths_;
  const PromptDataOptions& data_options_;
  const RolloutOptions& rollout_;
  double spread_penalty_;
  std::vector<RewardTerm> terms_;
  RewardSource* own_reward_;
  PromptData data_, eval_data_;
  std::int64_t seed_ = 0, micro_batch_tokens_ = 0;
  ModelFolder policy_folder_, reference_folder_;
  std::vector<ModelFolder> reward_folders_;  ///< of model.reward and model.reward_ensemble
  std::optional<ModelFolder> eval_reward_folder_;
  SharedTrunks::Offload trained_;  ///< the bases of models that are trained with adapters
  std::optional<SharedTrunks> trunks_;
  std::unique_ptr<CausalLM> policy_, reference_;
  std::deque<ScalarModel> reward_models_;
  std::unique_ptr<RewardSource> configured_reward_;  ///< reward models and reward.terms
  std::optional<ScalarModel> eval_reward_model_;
  std::unique_ptr<RewardSource> eval_reward_;  ///< null without model.eval_reward
  std::optional<BatchOrder> order_, refill_order_;
  bool warned_ = false;
};

}  // namespace rlhf
