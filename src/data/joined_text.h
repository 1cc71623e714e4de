#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rlhf/core/types.h"
#include "rlhf/text/chat_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A record's text as ids, tokenised as one text, and where its answers stand.
struct JoinedText {
  TokenIds ids;
  std::vector<Span> answers;  ///< tokens of what is answered, in order; a token that straddles a seam belongs to it
  std::int64_t prompt_length = 0;  ///< tokens before the first answer; a cut may leave fewer
  bool straddles = false;          ///< a token covers bytes on both sides of a seam
  bool truncated = false;
  bool stops = true;     ///< its last token ends an answer when a model writes it
  bool verified = true;  ///< each answer begins where the prompt to write it ends (ChatText::verified)

  std::int64_t length() const { return static_cast<std::int64_t>(ids.size()); }
  bool has_completion() const { return prompt_length < length(); }
};

/// `prompt` and `completion` are the two sides of the seam, the template already applied; EOS at the end.
JoinedText tokenise_joined(std::string_view prompt, std::string_view completion, const Tokenizer& tokenizer);

/// A text that a chat template wrote: nothing is put in front of it or behind it. `answers` are in order and disjoint.
JoinedText tokenise_rendered(std::string_view text, const std::vector<ByteSpan>& answers, const Tokenizer& tokenizer);

/// Ids of a text that a chat template wrote, special tokens included: no BOS but the template's own.
Encoding encode_rendered(std::string_view text, const Tokenizer& tokenizer);

/// Cuts what a chat template writes behind the token that ended the last answer, and sees whether there is such a
/// token.
void end_at_stop(JoinedText& text, const TokenIds& stop_ids, const Tokenizer& tokenizer);

/// Cuts to `max_length` tokens; the EOS goes with the cut.
void truncate(JoinedText& text, std::int64_t max_length);

}  // namespace rlhf
