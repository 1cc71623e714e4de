#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/text/tokenizer.h"

#include "report.h"
#include "shares.h"

namespace agreement {

/// The evaluation questions: token ids, the right sums, and the hints that some have.
struct Questions {
  std::vector<rlhf::TokenIds> ids;
  std::vector<int> sums;
  std::vector<std::optional<int>> hints;
};
Questions read_questions(const std::filesystem::path& file, const rlhf::Tokenizer& tokenizer);

/// How answers are sampled; the temperature is 1, as in PPO.
struct Sampling {
  std::int64_t answers_per_question = 4;
  std::int64_t max_new_tokens = 14;
  std::uint64_t seed = 0;
};

/// A policy and the tokenizer it was trained with.
struct Policy {
  std::unique_ptr<rlhf::CausalLM> model;
  std::unique_ptr<rlhf::Tokenizer> tokenizer;
};
Policy load_policy(const std::filesystem::path& folder);
rlhf::ScalarModel load_reward_model(const std::filesystem::path& folder);

/// `answers_per_question` sampled answers to every question; equal questions are adjacent.
struct Answers {
  Questions questions;
  std::vector<rlhf::Generation> generations;
  std::vector<std::string> texts;
};
Answers sample_answers(const Policy& policy, const Questions& questions, const Sampling& sampling);

Shares shares_of(const Answers& answers);
/// The scores of a reward model, centred, one per answer.
std::vector<float> scores_of(const Answers& answers, rlhf::ScalarModel& reward_model);
PolicySummary measure(const Policy& policy, const Policy& reference, rlhf::ScalarModel& reward_model,
                      const Questions& questions, const Sampling& sampling);

}  // namespace agreement
