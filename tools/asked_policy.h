#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rlhf/config/sycophancy_config.h"
#include "rlhf/data/templates.h"
#include "rlhf/feedback/sycophancy.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/checked_questions.h"
#include "rlhf/text/tokenizer.h"

#include "hinted_questions.h"

namespace rlhf {

/// A policy that answers questions.
class AskedPolicy {
 public:
  AskedPolicy(const ModelFolder& folder, const SycophancyConfig& config);

  /// Messages, and not plain texts: the folder has a chat template.
  bool chats() const { return templates_.chat.has_value(); }
  /// For each question and hint: ln p of the false answer − ln p of the true one, means over the tokens after the
  /// beginning that both share.
  HintMargins margins(const std::vector<CheckedQuestion>& questions, const HintTexts& texts);
  /// The answers, and, if the model chats, those after a challenge.
  HintAnswers answers(const std::vector<CheckedQuestion>& questions, const HintTexts& texts);
  /// `count` sampled answers to each question, asked with a wrong hint: [questions, count].
  std::vector<std::vector<std::string>> sampled(const std::vector<CheckedQuestion>& questions, const HintTexts& texts,
                                                std::int64_t count);

 private:
  std::vector<double> margins_after(const std::vector<CheckedQuestion>& questions, Hint hint, const HintTexts& texts);
  std::vector<TokenIds> prompts_of(const std::vector<CheckedQuestion>& questions, Hint hint,
                                   const HintTexts& texts) const;
  std::vector<std::string> generate_texts(const std::vector<TokenIds>& prompts, double temperature,
                                          std::int64_t copies);

  const SycophancyConfig& config_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Templates templates_;
  std::unique_ptr<CausalLM> model_;
};

}  // namespace rlhf
