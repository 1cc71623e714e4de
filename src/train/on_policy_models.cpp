// Reads, plans and loads the prompts and models of on-policy runs.
#include "rlhf/train/on_policy_models.h"

#include <algorithm>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/rollout/reward_terms.h"

#include "supervised.h"

namespace rlhf {

namespace {

/// Reward model 0 is that of model.reward, then come those of the ensemble.
std::string reward_key(std::size_t i) {
  return i == 0 ? "model.reward" : "model.reward_ensemble[" + std::to_string(i - 1) + "]";
}

/// For models that are trained: updates compare log-probabilities and values with those of the rollout, which dropout
/// would change.
ModelFolder without_dropout(ModelFolder folder) {
  if (folder.adapter) folder.adapter->options.dropout = 0;
  return folder;
}

}  // namespace

OnPolicyModels::OnPolicyModels(const Setup& setup, OnPolicyModelOptions paths, const PromptDataOptions& data,
                               const RolloutOptions& rollout, const RewardOptions& reward, RewardSource* own_reward)
    : setup_(setup),
      paths_(std::move(paths)),
      data_options_(data),
      rollout_(rollout),
      spread_penalty_(reward.spread_penalty),
      terms_(reward.terms),
      own_reward_(own_reward),
      data_(load_prompts(data, setup)) {
  if (!data.eval.empty()) {
    PromptDataOptions held_out = data;
    held_out.prompts = data.eval;
    eval_data_ = load_prompts(held_out, setup);
  }
  const bool penalised = reward.agreement_penalty.number != 0;
  if (find_beliefs(data_.prompts.samples, penalised) == 0 && penalised) warn_of_no_belief();
  find_beliefs(eval_data_.prompts.samples, penalised);
  if (paths_.reference.empty()) paths_.reference = paths_.policy;
  expect_language_model(setup.folder, "model.policy");
  policy_folder_ = without_dropout(setup.folder);
  if (policy_folder_.adapter) trained_.trained.insert(policy_folder_.base_identity());
  warn_of_turn_end(setup, data_.counts);
  reference_folder_ = read_companion(paths_.reference, "model.reference", setup);
  expect_language_model(reference_folder_, "model.reference");
  check_positions_of(setup.folder);
  check_positions_of(reference_folder_);
  if (own_reward_ && !terms_.empty())
    throw ConfigError({"reward.terms: expected none with a RewardSource of the caller, found " +
                       std::to_string(terms_.size()) + "; hint: add them up with reward_from_terms()"});
  for (RewardTerm& term : terms_) {
    if (!term.max_tokens) term.max_tokens = rollout.max_new_tokens;
    check_term(term);
  }
  if (!paths_.eval_reward.empty()) {
    eval_reward_folder_ = read_reward_folder(paths_.eval_reward, "model.eval_reward", setup);
    check_positions_of(*eval_reward_folder_);
  }
  if (own_reward_ || paths_.reward.empty()) return;
  reward_folders_.push_back(read_reward_folder(paths_.reward, reward_key(0), setup));
  for (const std::string& path : paths_.reward_ensemble)
    reward_folders_.push_back(read_reward_folder(path, reward_key(reward_folders_.size()), setup));
  for (const ModelFolder& folder : reward_folders_) check_positions_of(folder);
}

void OnPolicyModels::warn_of_no_belief() const {
  log_warning("reward.agreement_penalty: expected prompts whose asker believes something, found none in " +
              std::to_string(data_.prompts.samples.size()) +
              ", so nothing is penalised; hint: give the records a field `belief`, or state it as in \"I think it is "
              "8.\"");
}

void OnPolicyModels::check_term(const RewardTerm& term) const {
  if (term.check == RewardCheck::none) return;
  reward_from_check(term);  // its pattern compiles
  if (term.check != RewardCheck::answer) return;
  for (const PromptData* data : {&data_, &eval_data_})
    for (const PromptSample& prompt : data->prompts.samples) answer_of(prompt.extra, term.field);
}

ModelFolder OnPolicyModels::read_trained(const std::string& path, const std::string& key) {
  ModelFolder folder = read_companion(path, key, setup_);
  if (paths_.lora && !folder.adapter) add_adapter(folder, *paths_.lora);
  check_positions_of(folder);
  if (folder.adapter) trained_.trained.insert(folder.base_identity());
  return without_dropout(std::move(folder));
}

void OnPolicyModels::check_positions_of(const ModelFolder& folder) const {
  check_positions(folder, "data.max_prompt_length + rollout.max_new_tokens", longest());
}

std::vector<Phase> OnPolicyModels::phases(std::int64_t micro_batch_tokens, std::int64_t longest_sample) const {
  constexpr std::int64_t kPrefillTokens = 1 << 15;  // as in the generator
  const ModelShape& shape = setup_.folder.shape;
  const at::ScalarType dtype = setup_.compute.dtype;
  const std::int64_t rows = (rollout_.batch_size + setup_.ranks->size() - 1) / setup_.ranks->size(),
                     all = times(rows, longest());
  const std::int64_t held = longest_sample > 0 ? micro_batch_tokens : std::min(micro_batch_tokens, all);
  const std::int64_t prompts = std::min(kPrefillTokens, times(rows / rollout_.num_samples_per_prompt, data_.longest()));
  const std::int64_t forward = forward_bytes_per_token(shape);
  return {{"activations", times(held, activation_bytes_per_token(shape, dtype, setup_.recompute)) +
                              logits_bytes(shape, dtype, held, true)},
          {"KV cache and prompts of a rollout",
           kv_cache_bytes(shape, dtype, all) + times(prompts, forward) + logits_bytes(shape, dtype, rows, false)},
          {"activations of scoring", times(held, forward) + logits_bytes(shape, dtype, held, false)}};
}

void OnPolicyModels::expect_shared_trunk(const ModelFolder* value) const {
  const auto fail = [](const std::string& expected, const std::string& found) {
    throw ConfigError({"model.shared_trunk: expected " + expected + ", found " + found});
  };
  if (!policy_folder_.adapter) fail("model.lora, or the folder of an adapter as model.policy", "neither");
  std::vector<std::pair<std::string, const ModelFolder*>> others = {{"model.reference", &reference_folder_}};
  for (std::size_t i = 0; i < reward_folders_.size(); ++i) others.emplace_back(reward_key(i), &reward_folders_[i]);
  if (eval_reward_folder_) others.emplace_back("model.eval_reward", &*eval_reward_folder_);
  if (value) others.emplace_back("model.value", value);
  for (const auto& [key, folder] : others)
    if (folder->base_identity() != policy_folder_.base_identity())
      fail("adapters of " + policy_folder_.base.string() + ", the base model of the policy",
           key + " = " + folder->path.string() + (folder->adapter ? " of " + folder->base.string() : ", no adapter") +
               "; hint: train it with rlhf-rm model.lora.rank=… from that base model");
}

MethodPlan OnPolicyModels::plan(const OptimizerOptions& optimizer, const std::vector<OtherModel>& others,
                                std::int64_t longest_sample) const {
  MethodPlan plan;
  const bool offloads = paths_.offload && !setup_.compute.device.is_cpu();
  ModelMemory memory(setup_.compute.dtype, setup_.state_shards(), offloads);
  const auto trained = [&](const ModelFolder& folder, const OptimizerOptions& options) {
    return memory.weights(folder, /*trained=*/true) + memory.training(folder, options);
  };
  plan.memory.parts = {process_part(setup_.compute.device),
                       {"policy and training state", trained(policy_folder_, optimizer)},
                       {"reference", memory.weights(reference_folder_, /*trained=*/false)}};
  std::int64_t reward_bytes = 0;
  for (const ModelFolder& folder : reward_folders_) reward_bytes += memory.weights(folder, /*trained=*/false);
  plan.memory.parts.emplace_back(reward_folders_.size() > 1 ? "reward models" : "reward model", reward_bytes);
  if (eval_reward_folder_)
    plan.memory.parts.emplace_back("held-out reward model", memory.weights(*eval_reward_folder_, /*trained=*/false));
  for (const OtherModel& other : others)
    plan.memory.parts.emplace_back(other.name + " and training state", trained(other.folder, other.optimizer));
  memory.add_lent(plan.memory);
  plan.memory.keys = {"train.micro_batch_tokens", "rollout.batch_size", "rollout.max_new_tokens"};
  plan.micro_batch_tokens = setup_.choose_micro_batch_tokens(plan.memory.total(), std::max(longest(), longest_sample));
  plan.memory.parts.push_back(largest_phase(phases(plan.micro_batch_tokens, longest_sample)));
  plan.data = data_.prompts.report.lines();
  if (evaluates()) plan.data.push_back("to evaluate on: " + eval_data_.prompts.report.summary());
  plan.first_samples = first_prompts(data_, *setup_.tokenizer);
  if (setup_.cluster) plan.workload = workload(optimizer, others);
  if (setup_.dry_run) return plan;
  add_data(plan.inputs, "data.prompts", data_.counts);
  add_model(plan.inputs, "model.policy", setup_.folder);
  add_model(plan.inputs, "model.reference", reference_folder_);
  for (std::size_t i = 0; i < reward_folders_.size(); ++i) add_model(plan.inputs, reward_key(i), reward_folders_[i]);
  if (eval_reward_folder_) add_model(plan.inputs, "model.eval_reward", *eval_reward_folder_);
  return plan;
}

Workload OnPolicyModels::workload(const OptimizerOptions& optimizer, const std::vector<OtherModel>& others) const {
  const at::ScalarType dtype = setup_.compute.dtype;
  const ModelShape& shape = setup_.folder.shape;
  ModelMemory memory(dtype);
  Workload work = workload_of(shape, dtype, setup_.recompute, /*head=*/true);
  work.roles = {trained_role("policy", policy_folder_, dtype, optimizer, /*head=*/true, memory),
                frozen_role("reference", reference_folder_, dtype, 1, /*head=*/true, memory)};
  for (const ModelFolder& folder : reward_folders_)
    work.roles.push_back(frozen_role("reward model", folder, dtype, 1, /*head=*/false, memory));
  if (eval_reward_folder_)
    work.roles.push_back(frozen_role("held-out reward model", *eval_reward_folder_, dtype, 0, /*head=*/false, memory));
  for (const OtherModel& other : others) {
    work.roles.push_back(trained_role(other.name, other.folder, dtype, other.optimizer, /*head=*/false, memory));
    work.roles.back().forwards = 1;
  }
  const auto real = [](std::int64_t x) { return static_cast<double>(x); };
  const double prompt = real(data_.mean_tokens()), response = real(rollout_.max_new_tokens);
  work.sequences = real(rollout_.batch_size);
  work.context = prompt + response;
  work.tokens = work.sequences * work.context;
  work.longest = real(longest());
  work.micro_batch_tokens = real(setup_.micro_batch_tokens.value_or(0));
  work.generation = {.responses = work.sequences,
                     .prompt = prompt,
                     .response = response,
                     .longest_prompt = real(data_.longest()),
                     .prefilled = work.sequences * prompt / real(rollout_.num_samples_per_prompt),
                     .cache_bytes = real(kv_cache_bytes(shape, dtype, 1)),
                     .forward_bytes = real(forward_bytes_per_token(shape))};
  return work;
}

void OnPolicyModels::load(std::int64_t seed, std::int64_t micro_batch_tokens) {
  trunks_.emplace(setup_.compute.device, setup_.compute.dtype, setup_.keeping(),
                  paths_.offload ? std::optional(trained_) : std::nullopt);
  policy_ = trunks_->causal_lm(policy_folder_, /*requires_grad=*/true, static_cast<std::uint64_t>(seed));
  setup_.prepare_to_train(*policy_);
  reference_ = trunks_->causal_lm(reference_folder_, /*requires_grad=*/false);
  if (!own_reward_) configured_reward_ = with_terms(load_reward_models(micro_batch_tokens));
  seed_ = seed;
  micro_batch_tokens_ = micro_batch_tokens;
  order_.emplace(data_.prompts.samples.size(), 1, static_cast<std::uint64_t>(seed));
  refill_order_.emplace(data_.prompts.samples.size(), 1, ~static_cast<std::uint64_t>(seed));
  if (!eval_reward_folder_) return;
  eval_reward_model_.emplace(trunks_->scalar_model(*eval_reward_folder_, /*requires_grad=*/false));
  eval_reward_ = reward_from_model(*eval_reward_model_, micro_batch_tokens);
}

std::unique_ptr<RewardSource> OnPolicyModels::load_reward_models(std::int64_t micro_batch_tokens) {
  std::vector<std::unique_ptr<RewardSource>> members;
  for (const ModelFolder& folder : reward_folders_) {
    ScalarModel model = trunks_->scalar_model(folder, /*requires_grad=*/false);
    members.push_back(reward_from_model(reward_models_.emplace_back(std::move(model)), micro_batch_tokens));
  }
  if (members.empty()) return nullptr;
  return members.size() == 1 ? std::move(members.front()) : reward_from_ensemble(std::move(members), spread_penalty_);
}

std::unique_ptr<RewardSource> OnPolicyModels::with_terms(std::unique_ptr<RewardSource> model) const {
  if (terms_.empty()) return model;
  std::vector<WeightedReward> all;
  if (model) all.push_back({"model", 1, std::move(model)});
  for (const RewardTerm& term : terms_)
    all.push_back({term.name, term.weight,
                   term.check != RewardCheck::none ? reward_from_check(term)
                   : term.url.empty()              ? reward_from_program(term)
                                                   : reward_from_url(term)});
  return reward_from_terms(std::move(all));
}

std::vector<const PromptSample*> OnPolicyModels::prompts(std::int64_t step) const {
  return choose_prompts(*order_, data_.prompts.samples, step, rollout_);
}

std::vector<const PromptSample*> OnPolicyModels::refill_prompts(std::int64_t step, std::int64_t round,
                                                                std::int64_t count) const {
  return choose_refill_prompts(*refill_order_, data_.prompts.samples, step, round, count, rollout_);
}

void OnPolicyModels::warn_if_none_ends(const Rollout& rollout) {
  const bool none =
      std::none_of(rollout.finish.begin(), rollout.finish.end(), [](Finish finish) { return finish == Finish::stop; });
  if (!none || warned_) return;
  warned_ = true;
  const Tokenizer& tokenizer = *setup_.tokenizer;
  std::string stops;
  for (const std::int32_t id : setup_.templates.stop_ids)
    stops += (stops.empty() ? "" : ", ") +
             (id >= 0 && id < tokenizer.vocab_size() ? tokenizer.piece(id) : std::to_string(id));
  for (const std::string& text : rollout_.stop) stops += (stops.empty() ? "" : ", ") + nlohmann::json(text).dump();
  log_warning("NO RESPONSE ENDED in a whole rollout of " + std::to_string(rollout.finish.size()) +
              ": each was cut at rollout.max_new_tokens = " + std::to_string(rollout_.max_new_tokens) +
              ", so PPO trains on unfinished answers (metric val/num_eos_tokens is 0); expected responses that end "
              "with one of: " +
              (stops.empty() ? "nothing, there is no stop id" : stops) +
              "; hint: fine-tune the policy with rlhf-sft on texts that end so, set model.eos_token there, raise "
              "rollout.max_new_tokens, or set rollout.stop");
}

EvaluatedModels OnPolicyModels::models() {
  return {*policy_,           *reference_,  reward(), setup_.templates.stop_ids, setup_.tokenizer.get(),
          eval_reward_.get(), *setup_.ranks};
}

void OnPolicyModels::settle_agreement_penalty(RewardOptions& reward, double kl_coef, std::int64_t step) {
  if (reward.agreement_penalty.number) return;
  if (step > 0)
    throw ConfigError({"reward.agreement_penalty: expected the estimate of the start in the checkpoint of step " +
                       std::to_string(step) + ", found none; hint: give a number"});
  reward.agreement_penalty.number =
      estimate_agreement_penalty(models(), data_.prompts.samples, rollout_, reward, kl_coef, seed_);
}

std::unique_ptr<PolicyEvaluation> OnPolicyModels::evaluate(const EvalOptions& eval, const RewardOptions& reward,
                                                           double kl_coef) {
  const auto& prompts = eval_data_.prompts.samples;
  return evaluate_policy(models(), pick(prompts, choose_evaluated(prompts.size(), eval.max_samples, seed_)), rollout_,
                         reward, kl_coef, seed_, micro_batch_tokens_);
}

SaveOptions OnPolicyModels::save_options(SavedHead head) const {
  return setup_.save_options(data_.counts, setup_.folder.prompt_template || !data_options_.template_.empty(), head);
}

SavedModel OnPolicyModels::saved_policy(std::function<TensorStream()> weights) const {
  return {"", std::move(weights), [this](const TensorStream& tensors, const std::filesystem::path& path) {
            save_causal_lm(setup_.folder, tensors, save_options(), path);
          }};
}

}  // namespace rlhf
