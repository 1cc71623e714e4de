#include "data/joined_text.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rlhf/core/check.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"

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

std::vector<JoinedText> tokenise_all(std::size_t count, const std::function<JoinedText(std::size_t)>& tokenise) {
  constexpr std::size_t kBlock = 4096;  // a signal is heard between blocks
  std::vector<JoinedText> texts(count);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    stop_if_signalled();
    for_each_index(std::min(kBlock, count - begin), [&](std::size_t i) { texts[begin + i] = tokenise(begin + i); });
  }
  return texts;
}

void truncate(JoinedText& text, std::int64_t max_length) {
  if (text.length() <= max_length) return;
  text.ids.resize(static_cast<std::size_t>(max_length));
  text.truncated = true;
}

}  // namespace rlhf
