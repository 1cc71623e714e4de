#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/core/types.h"
#include "rlhf/text/chat_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A text of a record as token ids, and the spans of its completion or assistant turns.
struct JoinedText {
  TokenIds ids;
  std::vector<Span> answers;         ///< completion or assistant turns, in order; they own tokens across their boundary
  std::int64_t prompt_length = 0;    ///< tokens before the first of `answers`; more than length() if truncated there
  bool straddles = false;            ///< a token covers bytes on both sides of a boundary
  bool truncated = false;            ///< on the right
  bool beheaded = false;             ///< truncated on the left
  bool stops = true;                 ///< the last token ends a response
  bool verified = true;              ///< ChatText::verified
  std::vector<std::string> missing;  ///< what the chat template left out of the text: "tool_calls", "tools", …
  std::int64_t untrained = 0;        ///< assistant turns that are marked not to be trained
  std::int64_t unrendered = 0;       ///< assistant turns of which nothing is in the text; they are not trained
  bool empty_answer = false;         ///< a trained completion or turn has no text

  std::int64_t length() const { return static_cast<std::int64_t>(ids.size()); }
  bool has_completion() const { return prompt_length < length(); }
};

/// Tokenises prompt + completion, to which the template is already applied, and appends EOS.
JoinedText tokenise_joined(std::string_view prompt, std::string_view completion, const Tokenizer& tokenizer);

/// Tokenises the output of a chat template without adding BOS or EOS. `answers` are in order and disjoint.
JoinedText tokenise_rendered(std::string_view text, const std::vector<ByteSpan>& answers, const Tokenizer& tokenizer);

/// Token ids of the output of a chat template, with the special tokens in its text and no added BOS.
Encoding encode_rendered(std::string_view text, const Tokenizer& tokenizer);

/// Removes the tokens that a chat template writes after the token that ends the last turn, and sets `stops`.
void end_at_stop(JoinedText& text, const TokenIds& stop_ids, const Tokenizer& tokenizer);

/// Cuts the text to `max_length` tokens, without an EOS at the cut.
void truncate(JoinedText& text, std::int64_t max_length);
/// Removes the `count` tokens after the first `kept` ones (BOS).
void behead(JoinedText& text, std::int64_t count, std::int64_t kept);

}  // namespace rlhf
