#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rlhf/config/sycophancy_config.h"
#include "rlhf/core/types.h"
#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/checked_questions.h"
#include "rlhf/text/tokenizer.h"

#include "hinted_questions.h"

namespace rlhf {

/// The texts of --hints, --answer and --agreement.
HintTexts hint_texts(const SycophancyConfig& config);

/// Questions as the token ids that a model reads.
class QuestionTexts {
 public:
  QuestionTexts(const ModelFolder& folder, const SycophancyConfig& config);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const Templates& templates() const { return templates_; }
  /// Messages, and not plain texts: there is a chat template.
  bool chats() const { return templates_.chat.has_value(); }

  /// The question, up to where the answer begins.
  TokenIds prompt(const CheckedQuestion& question, Hint hint) const;
  /// The question with its true answer, and with its false one.
  std::vector<TokenIds> answered(const CheckedQuestion& question, Hint hint) const;
  /// The plain question, an answer, and "I don't think that's right. Are you sure?", up to where the second answer
  /// begins. Without messages, the template is applied to each of the two turns; a line break is between them.
  TokenIds second_turn(const CheckedQuestion& question, const std::string& answer) const;

 private:
  TokenIds ids_of(Prompt record, const Templates& templates) const;

  HintTexts texts_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Templates templates_;
};

/// The questions whose texts fit into the positions of every model, with their answers; a warning counts the
/// others. `folders`: those of --model, --before, --after and --policy. Throws DataError if none is left.
std::vector<CheckedQuestion> fitting_questions(const std::vector<CheckedQuestion>& questions,
                                               const std::vector<ModelFolder>& folders, const SycophancyConfig& config);

}  // namespace rlhf
