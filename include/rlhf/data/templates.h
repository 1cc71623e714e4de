#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "rlhf/text/chat_template.h"
#include "rlhf/text/prompt_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// What makes text of a record: of a prompt and its completion, and of messages.
struct Templates {
  PromptTemplate prompt = {};
  std::optional<ChatTemplate> chat = {};
  std::string chat_absent = {};  ///< why there is no chat template
  TokenIds stop_ids = {};        ///< what ends an answer when a model writes it: a conversation ends there too
  /// Throws ConfigError if there is none: a conversation cannot be read then.
  const ChatTemplate& chat_template() const;
};

/// Whether data.chat_template says a file (*.jinja) and not a name.
bool is_template_file(const std::string& said);

/// `said` (data.chat_template) is a .jinja file, a template of the folder `path` (or where that file lies) by its
/// name, or one of named_chat_template; empty: the folder's own, if it has one that can be read, so that a run on plain
/// texts needs none. Sets `templates.chat`.
void choose_chat_template(Templates& templates, const std::string& said, const std::filesystem::path& path,
                          const Tokenizer& tokenizer);

}  // namespace rlhf
