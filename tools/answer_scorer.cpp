// Tokenises given answers and scores them.
#include "answer_scorer.h"

#include <utility>

#include <ATen/core/grad_mode.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/samples.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/packed_batch.h"

#include "choose_templates.h"

namespace rlhf {

AnswerScorer::AnswerScorer(const ModelFolder& folder, const ScoringOptions& options)
    : tokenizer_(load_tokenizer(folder.tokenizer_path(), folder.shape.vocab_size)),
      templates_(choose_templates(options.template_, options.chat_template, folder, *tokenizer_)),
      vocab_size_(folder.shape.vocab_size),
      limits_(options.over_length, folder.shape.max_positions,
              "the " + std::to_string(folder.shape.max_positions) + " positions of the reward model",
              tokenizer_->bos_id()),
      judge_(folder, resolve_compute_of(folder, options.device, options.dtype)) {}

std::optional<std::vector<TokenIds>> AnswerScorer::texts_of(const AnsweredRecord& record) {
  std::vector<TokenIds> texts;
  try {
    AnswerTexts made = tokenise_answers(record, *tokenizer_, templates_);
    texts = std::move(made.ids);
    for (const std::string& name : made.missing) ++not_rendered_[name];
  } catch (const DataError& error) {
    throw DataError("tokenising " + record.place + ": " + error.what());
  }
  bool fits = true;
  for (TokenIds& text : texts) {
    for (const std::int32_t id : text)
      if (id >= vocab_size_)
        throw DataError(record.place + ": expected token ids below " + std::to_string(vocab_size_) +
                        " (the vocabulary of the reward model), found " + std::to_string(id));
    if (text.empty()) throw DataError(record.place + ": expected an answer of at least one token, found none");
    fits = fits && limits_.fit(text, record.place);
  }
  return fits ? std::optional(std::move(texts)) : std::nullopt;
}

std::vector<float> AnswerScorer::score(const std::vector<const TokenIds*>& texts) {
  const at::NoGradGuard no_gradient;
  ScalarModel& model = judge_.model();
  std::vector<std::int64_t> lengths;
  for (const TokenIds* text : texts) lengths.push_back(static_cast<std::int64_t>(text->size()));
  std::vector<float> scores(texts.size());
  for (const auto& group : pack_by_length(lengths, Judge::kTokensAtOnce)) {
    stop_if_signalled();
    std::vector<const TokenIds*> members;
    for (const std::size_t i : group) members.push_back(texts[i]);
    const at::Tensor raw = model.scores(pack(members, model.trunk().device())).cpu();
    const float* const values = raw.const_data_ptr<float>();
    for (std::size_t i = 0; i < group.size(); ++i)
      scores[group[i]] = static_cast<float>(values[i] - model.reward_mean());
  }
  return scores;
}

void AnswerScorer::report(std::int64_t records) const {
  limits_.report(records);
  for (const auto& [name, count] : not_rendered_)
    log_warning("the chat template leaves out: " + name + ", in " + std::to_string(count) + " of " +
                std::to_string(records) + " records; hint: --chat-template chooses another template");
}

}  // namespace rlhf
