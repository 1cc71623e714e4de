#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rlhf/text/chat_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Whether decoding omits a token wherever it stands. (SentencePiece omits "▁" at the start of a text only.)
bool is_special(const Tokenizer& tokenizer, std::int32_t id);

/// What a chat template writes after an answer of the assistant.
struct EndOfTurn {
  std::optional<std::int32_t> id;  ///< the first special token there ("<|im_end|>"): a response ends with it
  std::string text;                ///< without such a token: the text there, without white space around it; or ""
};

/// Renders a conversation whose last turn is an answer with a known text, and reads what follows this text. Returns
/// nothing if the template refuses every conversation of a few kinds, or does not write the answer.
EndOfTurn find_end_of_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer);

}  // namespace rlhf
