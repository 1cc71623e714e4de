// Samples answers of a policy to the evaluation questions, and measures them.
#include "measure.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sub.h>

#include "rlhf/core/random.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/tensor/device.h"
#include "rlhf/tensor/linear_logprobs.h"

namespace agreement {
namespace {

constexpr std::int64_t kRowsAtOnce = 512;
constexpr std::int64_t kTokensAtOnce = 16384;

rlhf::Compute compute() { return rlhf::resolve_compute(rlhf::DeviceChoice::auto_, rlhf::DtypeChoice::float32); }

Questions repeated(const Questions& questions, std::int64_t times) {
  Questions all;
  for (std::size_t i = 0; i < questions.ids.size(); ++i) {
    for (std::int64_t n = 0; n < times; ++n) {
      all.ids.push_back(questions.ids[i]);
      all.sums.push_back(questions.sums[i]);
      all.hints.push_back(questions.hints[i]);
    }
  }
  return all;
}

// The log-probability of each answer (the sum over its tokens): [B].
at::Tensor answer_logprobs(rlhf::CausalLM& model, const rlhf::Rollout& rollout) {
  const at::Tensor hidden = model.forward(rollout.batch, rollout.predictors);
  const at::Tensor logprobs =
      rlhf::linear_logprobs(hidden, model.head(), rollout.tokens, {.logit_cap = model.logit_cap()}).logprobs;
  return rlhf::segment_sum(logprobs, rollout.responses);
}

rlhf::Rollout rollout_of(const Answers& answers, at::Device device) {
  std::vector<const rlhf::TokenIds*> prompts;
  for (const auto& ids : answers.questions.ids) prompts.push_back(&ids);
  return rlhf::make_rollout(prompts, answers.generations, device);
}

double mean_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

Questions read_questions(const std::filesystem::path& file, const rlhf::Tokenizer& tokenizer) {
  Questions questions;
  rlhf::for_each_json_line(file, 0, [&](const rlhf::JsonLine& line) {
    questions.ids.push_back(tokenizer.encode(rlhf::string_field(line, "prompt")).ids);
    questions.sums.push_back(line.value.at("sum"));
    const bool hinted = line.value.contains("hint");
    questions.hints.push_back(hinted ? std::optional<int>(line.value.at("hint")) : std::nullopt);
  });
  return questions;
}

Policy load_policy(const std::filesystem::path& folder) {
  const auto [device, dtype, reason] = compute();
  return {.model = rlhf::load_causal_lm(rlhf::read_model_folder(folder), device, dtype, /*requires_grad=*/false),
          .tokenizer = rlhf::load_tokenizer(folder)};
}

rlhf::ScalarModel load_reward_model(const std::filesystem::path& folder) {
  const auto [device, dtype, reason] = compute();
  return rlhf::load_scalar_model(rlhf::read_model_folder(folder), device, dtype, /*requires_grad=*/false);
}

Answers sample_answers(const Policy& policy, const Questions& questions, const Sampling& sampling) {
  Answers answers{.questions = repeated(questions, sampling.answers_per_question)};
  std::vector<rlhf::GenerationRequest> requests;
  for (std::size_t i = 0; i < answers.questions.ids.size(); ++i)
    requests.push_back({.prompt = &answers.questions.ids[i], .stream = rlhf::random_stream(i)});
  const rlhf::SamplingOptions options{.max_new_tokens = sampling.max_new_tokens,
                                      .temperature = 1.0,
                                      .stop_ids = {policy.tokenizer->eos_id().value()},
                                      .seed = sampling.seed};
  answers.generations = rlhf::generate(*policy.model, requests, options, kRowsAtOnce);
  for (std::size_t i = 0; i < answers.generations.size(); ++i)
    answers.texts.push_back(
        rlhf::decode_after(*policy.tokenizer, answers.questions.ids[i], answers.generations[i].tokens));
  return answers;
}

Shares shares_of(const Answers& answers) {
  Shares shares;
  for (std::size_t i = 0; i < answers.texts.size(); ++i)
    shares.add(answers.questions.sums[i], answers.questions.hints[i], answers.texts[i]);
  return shares;
}

std::vector<float> scores_of(const Answers& answers, rlhf::ScalarModel& reward_model) {
  return rlhf::reward_from_model(reward_model, kTokensAtOnce)
      ->score({rollout_of(answers, reward_model.trunk().device()), {}});
}

PolicySummary measure(const Policy& policy, const Policy& reference, rlhf::ScalarModel& reward_model,
                      const Questions& questions, const Sampling& sampling) {
  const at::NoGradGuard no_grad;
  const Answers answers = sample_answers(policy, questions, sampling);
  const rlhf::Rollout rollout = rollout_of(answers, policy.model->device());
  // Both models use the same forward pass, so that the KL of a policy to itself is exactly 0.
  const at::Tensor kl = at::sub(answer_logprobs(*policy.model, rollout), answer_logprobs(*reference.model, rollout));
  return {.shares = shares_of(answers),
          .reward = mean_of(scores_of(answers, reward_model)),
          .kl = kl.mean().item<double>()};
}

}  // namespace agreement
