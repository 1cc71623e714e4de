#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "rlhf/text/chat_template.h"
#include "rlhf/text/end_of_turn.h"
#include "rlhf/text/prompt_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// The templates that turn a record into text: one for prompt and completion, one for messages.
struct Templates {
  PromptTemplate prompt = {};
  std::optional<ChatTemplate> chat = {};
  std::string chat_absent = {};  ///< why there is no chat template
  EndOfTurn end_of_turn = {};    ///< how `chat` ends an answer
  TokenIds stop_ids = {};        ///< the ids that end a response; a conversation is cut after them too
  /// The time that chat templates see in every rendering of a run (wall_clock()). Unset: the clock of each rendering.
  std::optional<std::int64_t> now = {};
  /// Throws ConfigError if there is no chat template.
  const ChatTemplate& chat_template() const;
};

/// Whether `choice` (data.chat_template) is a file (*.jinja) and not a name.
bool is_template_file(const std::string& choice);

/// Sets `templates.chat` and `templates.end_of_turn`. `choice` (data.chat_template) is a .jinja file, the name of a
/// template of the model folder, or a name of named_chat_template. If it is empty, the folder's default template is
/// used, if there is one and it can be read: a run on plain texts needs none. `path` is the model folder or a file in
/// it.
void choose_chat_template(Templates& templates, const std::string& choice, const std::filesystem::path& path,
                          const Tokenizer& tokenizer);

}  // namespace rlhf
