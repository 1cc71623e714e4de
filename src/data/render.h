#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"

#include "data/chat_form.h"
#include "data/joined_text.h"

namespace rlhf {

/// The text of a prompt, and what the chat template left out of it.
struct RenderedPrompt {
  std::string text;
  std::vector<std::string> missing;
};

/// Turns records into texts by their templates, and tokenises the texts. Keeps references to the constructor's
/// arguments. Thread-safe.
class Renderer {
 public:
  Renderer(const Tokenizer& tokenizer, const Templates& templates);

  /// The messages with the generation prompt.
  RenderedPrompt prompt(const Conversation& chat) const;

  /// The texts of a demonstration: one, or one per trained assistant turn (TrainOn::each_turn). Throws DataError with
  /// the reason if the chat template or the tokenizer refuses the record.
  std::vector<JoinedText> tokenise(const Demonstration& record, TrainOn train_on) const;
  /// The texts of a pair or ranking, one per completion.
  std::vector<JoinedText> tokenise(const Preference& record, TrainOn train_on) const;

 private:
  std::string render_prompt(const Conversation& chat, std::size_t count) const;
  JoinedText finished(JoinedText text) const;
  JoinedText tokenise_after(const Conversation& chat, const std::string& before) const;
  JoinedText tokenise_turns(const Conversation& chat, const std::vector<std::size_t>& untrained,
                            std::size_t first) const;
  JoinedText tokenise_all(const Conversation& chat, const std::vector<std::size_t>& untrained) const;
  std::vector<ByteSpan> spans_of(const ChatText& rendered, const Conversation& chat,
                                 const std::vector<std::size_t>& untrained, std::size_t first) const;
  JoinedText tokenise_chat(const Conversation& chat, std::size_t prompt_turns,
                           const std::vector<std::size_t>& untrained, TrainOn train_on) const;
  JoinedText tokenise_fitted(const Demonstration& record, TrainOn train_on, std::size_t only_turn) const;
  JoinedText tokenise_plain(const std::string& prompt, const std::string& completion, bool whole) const;

  const Tokenizer& tokenizer_;
  const Templates& templates_;
  ContentForm form_ = ContentForm::text;
};

}  // namespace rlhf
