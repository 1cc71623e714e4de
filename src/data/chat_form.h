#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// The form in which a chat template reads the content of a message.
enum class ContentForm { text, parts };

/// The form that shows the content of a test conversation in the rendered text; text if both do.
ContentForm content_form(const ChatTemplate& chat);

/// Options of the template for a conversation.
ChatOptions chat_options(const Conversation& chat, const Templates& templates, bool add_generation_prompt);

/// A conversation in the form that the template reads, and what the template leaves out.
struct FittedChat {
  Conversation chat;
  /// For each message: what is in it and not in the rendered text ("content of the role tool", "tool_calls",
  /// "reasoning"), and whether anything of it is there (true for a message without any text).
  struct Loss {
    std::vector<std::string> missing;
    bool shows = true;
    bool blank = false;  ///< the message has no text, reasoning or call
  };
  std::vector<Loss> losses;
  bool tools_missing = false;
};

/// Brings the messages into the form that the template reads: the content as a text (the texts of its parts, one after
/// the other) or as a list of parts; the arguments of tool calls as objects, and a message without content as it is. If
/// the template refuses that, or leaves something out, tries the arguments as they are, and an empty text as content.
/// Throws DataError if the template refuses all of these.
FittedChat fit_chat(const Conversation& chat, ContentForm form, const Templates& templates, bool add_generation_prompt);

}  // namespace rlhf
