#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/answered.h"
#include "rlhf/text/tokenizer.h"

#include "judge.h"
#include "long_texts.h"

namespace rlhf {

/// How given answers become the texts of a reward model, and where it runs.
struct ScoringOptions {
  std::string template_, chat_template;
  LongPrompt over_length = LongPrompt::skip;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
};
/// Those of a config with these keys.
template <typename Config>
ScoringOptions scoring_options(const Config& config) {
  return {config.template_, config.chat_template, config.over_length, config.device, config.dtype};
}

/// Scores given answers with a reward model.
class AnswerScorer {
 public:
  AnswerScorer(const ModelFolder& folder, const ScoringOptions& options);

  /// Whether there is a chat template.
  bool chats() const { return templates_.chat.has_value(); }
  /// The token ids of the answers of a record, each after its prompt; nullopt if one is too long, of which a warning
  /// was logged. Throws DataError.
  std::optional<std::vector<TokenIds>> texts_of(const AnsweredRecord& record);
  /// The scores of texts, minus the mean of the model.
  std::vector<float> score(const std::vector<const TokenIds*>& texts);
  /// Logs what happened to `records` records: too long, left out by the chat template.
  void report(std::int64_t records) const;

 private:
  std::unique_ptr<Tokenizer> tokenizer_;
  Templates templates_;
  std::int64_t vocab_size_;
  LongTexts limits_;
  Judge judge_;
  std::map<std::string, std::int64_t> not_rendered_;
};

}  // namespace rlhf
