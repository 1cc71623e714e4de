#pragma once

#include <memory>
#include <optional>

#include "rlhf/algo/kl.h"
#include "rlhf/config/validate.h"
#include "rlhf/core/signals.h"
#include "rlhf/train/on_policy_models.h"

/// REINFORCE with a leave-one-out baseline (RLOO), a method without a value model. G responses per prompt, β = kl_coef:
///   R_i = score_i − β·Σ_t (logp_t − ref_t);  A_i = R_i − mean of the other G − 1 of its prompt
///   loss = −(1/B)·Σ_i A_i·Σ_t logp_t
/// Source: arXiv:2402.14740, equation 7.
namespace rloo {

struct Config {
  rlhf::OnPolicyModelOptions model;
  rlhf::PromptDataOptions data;
  rlhf::RolloutOptions rollout{.num_samples_per_prompt = 4};
  rlhf::RewardOptions reward;
  double kl_coef = 0.05;
  rlhf::PpoTrainOptions train;
  rlhf::OptimizerOptions optimizer{.lr = 3e-6};
  rlhf::LrScheduleOptions lr_schedule{.kind = rlhf::LrScheduleKind::constant, .warmup_share = 0};
  rlhf::EvalOptions eval{.max_samples = 128};
  rlhf::CheckpointOptions checkpoint{.every_steps = 20};
  rlhf::LogOptions log;
};
constexpr auto describe(const Config*) {
  using C = Config;
  return std::make_tuple(rlhf::field<&C::model>("the models"), rlhf::field<&C::data>("prompts"),
                         rlhf::field<&C::rollout>("sampling"), rlhf::field<&C::reward>("from score to reward"),
                         rlhf::field<&C::kl_coef>("weight of the KL penalty", rlhf::at_least(0.0)),
                         rlhf::field<&C::train>("the run"), rlhf::field<&C::optimizer>("AdamW"),
                         rlhf::field<&C::lr_schedule>("its rate"), rlhf::field<&C::eval>("on data.eval"),
                         rlhf::field<&C::checkpoint>("what --resume needs"),
                         rlhf::field<&C::log>("metrics and samples"));
}

inline std::vector<rlhf::Issue> validate(const Config& config) {
  auto issues =
      rlhf::validate_on_policy(config.model, config.data, config.rollout, config.reward, config.train, config.eval);
  if (config.rollout.num_samples_per_prompt < 2)
    issues.push_back({{"rollout.num_samples_per_prompt"}, "expected at least 2 (their rewards are compared), found 1"});
  if (!config.reward.agreement_penalty.number)
    issues.push_back({{"reward.agreement_penalty"}, "expected a number (RLOO does not estimate it), found auto"});
  const std::pair<const char*, bool> not_here[] = {
      {"reward.scaling", config.reward.scaling != rlhf::RewardScaling::none},
      {"rollout.refill_equal_groups", config.rollout.refill_equal_groups > 0},
      {"data.ptx", !config.data.ptx.empty()}};
  for (const auto& [key, used] : not_here)
    if (used) issues.push_back({{key}, "expected its default (only rlhf-ppo has it), found another value"});
  return issues;
}

struct Step : rlhf::StepRecord {
  rlhf::ScoredRollout scored;
  double score = 0, kl = 0, loss = 0, grad_norm = 0;

  rlhf::Metrics metrics() const override {
    return {{"objective/scores", score}, {"objective/kl", kl}, {"loss/policy_avg", loss}, {"grad_norm", grad_norm}};
  }
  rlhf::Metrics headline() const override { return {{"objective/scores", score}, {"objective/kl", kl}}; }
  std::vector<nlohmann::ordered_json> samples() const override { return rlhf::sample_lines(scored); }
};

/// The return of each response minus the mean of the other responses to its prompt, [B]. The G responses to a prompt
/// are adjacent.
inline at::Tensor leave_one_out(const at::Tensor& returns, std::int64_t group) {
  const at::Tensor groups = returns.view({-1, group});
  const at::Tensor others = groups.sum(1, true).sub(groups).div(static_cast<double>(group - 1));
  return groups.sub(others).flatten();
}

inline std::unique_ptr<Step> rloo_step(rlhf::CausalLM& policy, rlhf::CausalLM& reference, rlhf::RewardSource& reward,
                                       const rlhf::Tokenizer* tokenizer, rlhf::Trainee& trainee,
                                       std::span<const rlhf::PromptSample* const> prompts,
                                       const rlhf::TokenIds& stop_ids, const Config& config,
                                       std::int64_t micro_batch_tokens, const rlhf::StepPosition& at) {
  auto done = std::make_unique<Step>();
  const rlhf::ForwardOptions forward{config.rollout.temperature, micro_batch_tokens};
  auto rollout = rlhf::collect_rollout(policy, prompts, config.rollout, stop_ids, tokenizer,
                                       {.seed = config.train.seed, .step = at.step}, done->work);
  auto responses = rlhf::read_responses(rollout, prompts, tokenizer);
  const auto scores = rlhf::score_responses(reward, rollout, responses, config.reward, done->work).values;
  const auto everything = rlhf::all_sequences(rollout);
  const auto ref_logprobs = rlhf::logprobs_of(reference, rollout, everything, forward, done->work);
  const auto kl = rlhf::segment_sum(rlhf::kl_k1(rollout.logprobs, ref_logprobs), rollout.responses);  // [B]
  const auto advantages = leave_one_out(scores.sub(kl.mul(config.kl_coef)), config.rollout.num_samples_per_prompt);
  const auto of_tokens =
      advantages.repeat_interleave(rollout.responses.cu_seqlens.diff(), 0, rollout.responses.total());  // [R]

  const auto count = static_cast<double>(prompts.size());
  const rlhf::StopDeferral whole_update;
  trainee.zero_gradients();
  const auto loss_of = [&](const at::Tensor& logprobs, const at::Tensor& rows) {
    const auto loss = logprobs.mul(of_tokens.index_select(0, rows)).sum().div(-count);
    done->loss += loss.item<double>();
    return loss;
  };
  rlhf::backward_policy(policy, rollout, everything, forward, loss_of, done->work);
  done->grad_norm = trainee.take_step(config.optimizer.lr * at.lr_factor, "policy", at.step);
  done->tokens = rollout.batch.segments.total();
  done->score = scores.mean().item<double>();
  done->kl = kl.mean().item<double>();
  done->scored = {std::move(rollout), std::move(responses), ref_logprobs, scores};
  return done;
}

class Method final : public rlhf::Method {
 public:
  explicit Method(const Config& config) : config_(config) {}

  rlhf::MethodPlan plan(const rlhf::Setup& setup) override {
    parts_.emplace(setup, config_.model, config_.data, config_.rollout, config_.reward, nullptr);
    plan_ = parts_->plan(config_.optimizer);
    plan_.total_steps = rlhf::count_rollouts(config_.train, config_.rollout);
    plan_.summary = std::to_string(plan_.total_steps) + " rollouts of " + std::to_string(config_.rollout.batch_size);
    return plan_;
  }
  void load() override {
    parts_->load(config_.train.seed, plan_.micro_batch_tokens);
    trainee_.emplace(parts_->policy().parameters(), config_.optimizer);
  }
  std::unique_ptr<rlhf::StepRecord> step(const rlhf::StepPosition& at) override {
    const rlhf::Setup& setup = parts_->setup();
    return rloo_step(parts_->policy(), parts_->reference(), parts_->reward(), setup.tokenizer.get(), *trainee_,
                     parts_->prompts(at.step), setup.templates.stop_ids, config_, plan_.micro_batch_tokens, at);
  }
  bool evaluates() const override { return parts_->evaluates(); }
  std::unique_ptr<rlhf::StepRecord> evaluate() override {
    return parts_->evaluate(config_.eval, config_.reward, config_.kl_coef);
  }
  std::string main_metric() const override { return "eval_objective/scores"; }
  rlhf::Better better(const std::string& metric) const override {
    return rlhf::better_of(rlhf::Stage::ppo, metric).value_or(rlhf::Better::lower);
  }
  std::vector<rlhf::NamedTrainee> trainees() override { return {{"policy", *trainee_}}; }
  std::vector<rlhf::SavedModel> models() override {
    return {parts_->saved_policy([this] { return trainee_->file_tensors(); })};
  }

 private:
  const Config& config_;
  rlhf::MethodPlan plan_;
  std::optional<rlhf::OnPolicyModels> parts_;
  std::optional<rlhf::Trainee> trainee_;
};

}  // namespace rloo
