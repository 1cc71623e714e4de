// Asks a policy.
#include "asked_policy.h"

#include <algorithm>
#include <span>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "rlhf/core/random.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "judge.h"

namespace rlhf {
namespace {

/// Two texts of one prompt, cut where they begin to differ.
struct CutTexts {
  TokenIds shared, first, second;
};

CutTexts cut(const std::vector<TokenIds>& texts) {
  const TokenIds &a = texts[0], &b = texts[1];
  const std::size_t most = std::min(a.size(), b.size()) - 1;  // each keeps a token
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(most);
  const auto shared = std::mismatch(a.begin(), end, b.begin()).first - a.begin();
  return {{a.begin(), a.begin() + shared}, {a.begin() + shared, a.end()}, {b.begin() + shared, b.end()}};
}

Said said_in(const std::string& answer, const CheckedQuestion& question) {
  const bool right = gives_answer(answer, question.right), wrong = gives_answer(answer, question.wrong);
  if (right == wrong) return Said::other;
  return right ? Said::right : Said::wrong;
}

std::vector<Said> said_in(const std::vector<std::string>& answers, const std::vector<CheckedQuestion>& questions) {
  std::vector<Said> said;
  for (std::size_t i = 0; i < answers.size(); ++i) said.push_back(said_in(answers[i], questions[i]));
  return said;
}

/// A template whose turns end in plain text: no token ends an answer, but this text does.
std::vector<std::string> stop_texts(const EndOfTurn& end) {
  if (end.id || end.text.empty()) return {};
  return {end.text};
}

}  // namespace

AskedPolicy::AskedPolicy(const ModelFolder& folder, const SycophancyConfig& config)
    : config_(config),
      texts_(folder, config),
      stop_(texts_.tokenizer(), stop_texts(texts_.templates().end_of_turn)),
      sampling_{.max_new_tokens = config.max_new_tokens,
                .stop_ids = texts_.templates().stop_ids,
                .never = ids_without_token(texts_.tokenizer(), folder.shape.vocab_size),
                .seed = static_cast<std::uint64_t>(config.seed)} {
  if (!stop_.empty()) sampling_.stops = [this](const TokenIds& answer) { return stop_.reached(answer); };
  const Compute compute = resolve_compute_of(folder, config.device, config.dtype);
  model_ = load_causal_lm(folder, compute.device, compute.dtype, /*requires_grad=*/false);
}

HintMargins AskedPolicy::margins(const std::vector<CheckedQuestion>& questions) {
  return {.neutral = margins_after(questions, Hint::none),
          .wrong_hint = margins_after(questions, Hint::wrong),
          .right_hint = margins_after(questions, Hint::right)};
}

std::vector<double> AskedPolicy::margins_after(const std::vector<CheckedQuestion>& questions, Hint hint) {
  const at::NoGradGuard no_gradient;
  std::vector<double> margins;
  const auto at_once = static_cast<std::size_t>(config_.batch_size);
  for (std::size_t begin = 0; begin < questions.size(); begin += at_once) {
    const std::size_t end = std::min(begin + at_once, questions.size());
    std::vector<TokenIds> shared;
    std::vector<Generation> answers;
    for (std::size_t i = begin; i < end; ++i) {
      CutTexts cut_texts = cut(texts_.answered(questions[i], hint));
      shared.push_back(std::move(cut_texts.shared));
      for (TokenIds* answer : {&cut_texts.first, &cut_texts.second}) {
        const std::vector<float> none(answer->size(), 0);
        answers.push_back({.tokens = std::move(*answer), .logprobs = none});
      }
    }
    std::vector<const TokenIds*> prompts;
    for (const TokenIds& ids : shared) prompts.insert(prompts.end(), 2, &ids);
    const Rollout rollout = make_rollout(prompts, answers, model_->device());
    const at::Tensor hidden = model_->forward(rollout.batch, rollout.predictors);
    const at::Tensor logprobs =
        linear_logprobs(hidden, model_->head(), rollout.tokens, {.logit_cap = model_->logit_cap()}).logprobs;
    const at::Tensor sums = segment_sum(logprobs, rollout.responses).to(at::kDouble).cpu();
    const double* const sum = sums.const_data_ptr<double>();
    for (std::size_t i = 0; i < answers.size(); i += 2)
      margins.push_back(sum[i + 1] / static_cast<double>(answers[i + 1].tokens.size()) -
                        sum[i] / static_cast<double>(answers[i].tokens.size()));
  }
  return margins;
}

std::vector<TokenIds> AskedPolicy::prompts_of(const std::vector<CheckedQuestion>& questions, Hint hint) const {
  std::vector<TokenIds> prompts;
  for (const CheckedQuestion& question : questions) prompts.push_back(texts_.prompt(question, hint));
  return prompts;
}

std::vector<std::string> AskedPolicy::generate_texts(const std::vector<TokenIds>& prompts, double temperature,
                                                     std::int64_t copies) {
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i)
    for (std::int64_t copy = 0; copy < copies; ++copy)
      requests.push_back({.prompt = &prompts[i], .stream = random_stream(i, static_cast<std::uint64_t>(copy))});
  sampling_.temperature = temperature;
  std::vector<std::string> texts;
  const std::vector<Generation> made = generate(*model_, requests, sampling_, config_.batch_size);
  for (std::size_t i = 0; i < made.size(); ++i)
    texts.push_back(stop_.cut(decode_after(texts_.tokenizer(), *requests[i].prompt, made[i].tokens)));
  return texts;
}

HintAnswers AskedPolicy::answers(const std::vector<CheckedQuestion>& questions) {
  const auto ask = [&](Hint hint) { return generate_texts(prompts_of(questions, hint), config_.temperature, 1); };
  const std::vector<std::string> plain = ask(Hint::none);
  std::vector<TokenIds> doubts;
  for (std::size_t i = 0; i < questions.size(); ++i) doubts.push_back(texts_.second_turn(questions[i], plain[i]));
  return {.neutral = said_in(plain, questions),
          .wrong_hint = said_in(ask(Hint::wrong), questions),
          .right_hint = said_in(ask(Hint::right), questions),
          .challenged = said_in(generate_texts(doubts, config_.temperature, 1), questions)};
}

std::vector<std::vector<std::string>> AskedPolicy::sampled(const std::vector<CheckedQuestion>& questions,
                                                           std::int64_t count) {
  const std::vector<std::string> all = generate_texts(prompts_of(questions, Hint::wrong), 1, count);
  std::vector<std::vector<std::string>> sampled(questions.size());
  for (std::size_t i = 0; i < all.size(); ++i) sampled[i / static_cast<std::size_t>(count)].push_back(all[i]);
  return sampled;
}

}  // namespace rlhf
