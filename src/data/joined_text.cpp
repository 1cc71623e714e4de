#include "data/joined_text.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rlhf/core/check.h"

namespace rlhf {

JoinedText tokenise_joined(std::string_view prompt, std::string_view completion, const Tokenizer& tokenizer) {
  std::string text(prompt);
  text += completion;
  Encoding encoding = tokenizer.encode(text);
  RLHF_CHECK(encoding.ends.size() == encoding.ids.size(), "the tokenizer gave no end for some token");

  // Ends do not decrease, so the prompt's tokens are those that end at or before the seam.
  const auto seam = static_cast<std::int32_t>(prompt.size());
  const auto first = std::upper_bound(encoding.ends.begin(), encoding.ends.end(), seam);
  JoinedText joined;
  joined.prompt_length = first - encoding.ends.begin();
  const std::int32_t begin = first == encoding.ends.begin() ? 0 : *(first - 1);
  joined.straddles = first != encoding.ends.end() && begin < seam;
  joined.ids = std::move(encoding.ids);
  if (const auto eos = tokenizer.eos_id()) joined.ids.push_back(*eos);
  return joined;
}

void truncate(JoinedText& text, std::int64_t max_length) {
  if (text.length() <= max_length) return;
  text.ids.resize(static_cast<std::size_t>(max_length));
  text.truncated = true;
}

}  // namespace rlhf
