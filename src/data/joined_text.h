#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "rlhf/core/types.h"
#include "rlhf/text/prompt_template.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Prompt and completion tokenised as one text.
struct JoinedText {
  TokenIds ids;                    ///< EOS at the end unless the text was cut
  std::int64_t prompt_length = 0;  ///< tokens that end at or before the seam; a cut may leave fewer
  bool straddles = false;          ///< a token covers bytes on both sides of the seam
  bool truncated = false;

  std::int64_t length() const { return static_cast<std::int64_t>(ids.size()); }
  bool has_completion() const { return prompt_length < length(); }
};

/// `prompt` and `completion` are the two sides of the seam, the template already applied.
JoinedText tokenise_joined(std::string_view prompt, std::string_view completion, const Tokenizer& tokenizer);

/// tokenise(i) for all i < count, on all CPUs, in their order. Polls stop_if_signalled().
std::vector<JoinedText> tokenise_all(std::size_t count, const std::function<JoinedText(std::size_t)>& tokenise);

/// Cuts to `max_length` tokens; the EOS goes with the cut.
void truncate(JoinedText& text, std::int64_t max_length);

}  // namespace rlhf
