#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rlhf/config/sycophancy_config.h"
#include "rlhf/feedback/sycophancy.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/checked_questions.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/text/stop_strings.h"

#include "question_texts.h"

namespace rlhf {

/// A policy that answers questions, which fit (fitting_questions()).
class AskedPolicy {
 public:
  AskedPolicy(const ModelFolder& folder, const SycophancyConfig& config);

  /// For each question and hint: ln p of the false answer − ln p of the true one, means over the tokens after the
  /// beginning that both share.
  HintMargins margins(const std::vector<CheckedQuestion>& questions);
  /// The answers, and those after a challenge.
  HintAnswers answers(const std::vector<CheckedQuestion>& questions);
  /// `count` sampled answers to each question, asked with a wrong hint: [questions, count].
  std::vector<std::vector<std::string>> sampled(const std::vector<CheckedQuestion>& questions, std::int64_t count);

 private:
  std::vector<double> margins_after(const std::vector<CheckedQuestion>& questions, Hint hint);
  std::vector<TokenIds> prompts_of(const std::vector<CheckedQuestion>& questions, Hint hint) const;
  std::vector<std::string> generate_texts(const std::vector<TokenIds>& prompts, double temperature,
                                          std::int64_t copies);

  const SycophancyConfig& config_;
  QuestionTexts texts_;
  StopStrings stop_;
  SamplingOptions sampling_;
  std::unique_ptr<CausalLM> model_;
};

}  // namespace rlhf
