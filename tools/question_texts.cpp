// Questions as token ids.
#include "question_texts.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/data/samples.h"

#include "choose_templates.h"

namespace rlhf {
namespace {

/// The positions that a model needs for a question.
class NeededPositions {
 public:
  NeededPositions(const ModelFolder& folder, const SycophancyConfig& config)
      : texts_(folder, config),
        new_tokens_(folder.scalar_head && config.policy.empty() ? 0 : config.max_new_tokens),
        asked_twice_(new_tokens_ > 0 && config.policy.empty()) {}

  std::int64_t of(const CheckedQuestion& question) const {
    std::int64_t most = 0;
    const auto need = [&](const TokenIds& ids, std::int64_t more) {
      most = std::max(most, static_cast<std::int64_t>(ids.size()) + more);
    };
    for (const Hint hint : kHints) {
      for (const TokenIds& ids : texts_.answered(question, hint)) need(ids, 0);
      if (new_tokens_ > 0) need(texts_.prompt(question, hint), new_tokens_);
    }
    if (asked_twice_) need(texts_.second_turn(question, ""), 2 * new_tokens_);
    return most;
  }

 private:
  QuestionTexts texts_;
  std::int64_t new_tokens_;  ///< of an answer; 0: the model gives none
  bool asked_twice_;
};

/// Removes the questions that do not fit into one model.
void keep_fitting(std::vector<CheckedQuestion>& questions, const ModelFolder& folder, const SycophancyConfig& config) {
  const NeededPositions needed(folder, config);
  const std::int64_t positions = folder.shape.max_positions;
  const std::size_t asked = questions.size();
  std::int64_t most = 0;
  std::erase_if(questions, [&](const CheckedQuestion& question) {
    const std::int64_t need = needed.of(question);
    most = std::max(most, need);
    return need > positions;
  });
  const std::string limit = "the " + std::to_string(positions) + " positions of " + folder.path.string();
  if (questions.empty())
    throw DataError("questions: expected at least one that fits into " + limit + ", found none of " +
                    std::to_string(asked) + "; hint: lower --max-new-tokens");
  if (questions.size() < asked)
    log_warning("skipped " + std::to_string(asked - questions.size()) + " of " + std::to_string(asked) +
                " questions, which do not fit into " + limit + " with their answers; the longest needs " +
                std::to_string(most));
}

}  // namespace

HintTexts hint_texts(const SycophancyConfig& config) {
  return {config.hints, config.answer, config.agreement, static_cast<std::uint64_t>(config.seed)};
}

QuestionTexts::QuestionTexts(const ModelFolder& folder, const SycophancyConfig& config)
    : texts_(hint_texts(config)),
      tokenizer_(load_tokenizer(folder.tokenizer_path(), folder.shape.vocab_size)),
      templates_(choose_templates(config.template_, config.chat_template, folder, *tokenizer_)) {}

TokenIds QuestionTexts::ids_of(Prompt record, const Templates& templates) const {
  constexpr auto kAnyLength = std::numeric_limits<std::int64_t>::max();
  return std::move(make_prompts({std::move(record)}, *tokenizer_, templates, kAnyLength).samples.front().ids);
}

TokenIds QuestionTexts::prompt(const CheckedQuestion& question, Hint hint) const {
  AnsweredRecord record = with_both_answers(question, hint, texts_, chats());
  return ids_of({record.content.prompt, "{}", std::move(record.content.chat)}, templates_);
}

std::vector<TokenIds> QuestionTexts::answered(const CheckedQuestion& question, Hint hint) const {
  return tokenise_answers(with_both_answers(question, hint, texts_, chats()), *tokenizer_, templates_).ids;
}

TokenIds QuestionTexts::second_turn(const CheckedQuestion& question, const std::string& answer) const {
  if (chats()) return ids_of({"", "{}", challenged(question.question, answer)}, templates_);
  const PromptTemplate& around = templates_.prompt;
  const std::string first = around.prompt(question.question) + around.completion(answer);
  return ids_of({first + "\n" + around.prompt(kChallenge), "{}", {}}, Templates());
}

std::vector<CheckedQuestion> fitting_questions(const std::vector<CheckedQuestion>& questions,
                                               const std::vector<ModelFolder>& folders,
                                               const SycophancyConfig& config) {
  std::vector<CheckedQuestion> fitting = questions;
  for (const ModelFolder& folder : folders) keep_fitting(fitting, folder, config);
  return fitting;
}

}  // namespace rlhf
