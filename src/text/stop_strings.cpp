// Stop strings.
#include "rlhf/text/stop_strings.h"

#include <algorithm>
#include <utility>

namespace rlhf {

StopStrings::StopStrings(const Tokenizer& tokenizer, std::vector<std::string> texts)
    : tokenizer_(tokenizer), texts_(std::move(texts)), before_(tokenizer.encode("a", Bos::none).ids) {
  for (const std::string& text : texts_) longest_ = std::max(longest_, text.size());
}

bool StopStrings::reached(const TokenIds& answer) const {
  // Every token adds at least one byte of text, except control tokens, of which a response has few.
  constexpr std::size_t kMore = 8;
  const std::size_t tail = std::min(answer.size(), longest_ + kMore);
  const std::string text =
      decode_after(tokenizer_, before_, TokenIds(answer.end() - static_cast<std::ptrdiff_t>(tail), answer.end()));
  return std::any_of(texts_.begin(), texts_.end(),
                     [&](const std::string& stop) { return text.find(stop) != std::string::npos; });
}

std::string StopStrings::settled(std::string text) const {
  const std::size_t whole = text.size(), open = longest_ > 0 ? longest_ - 1 : 0;
  text = cut(std::move(text));
  if (text.size() == whole) text.resize(whole - std::min(whole, open));
  return text;
}

std::string StopStrings::cut(std::string text) const {
  std::size_t end = text.size();
  for (const std::string& stop : texts_) end = std::min(end, text.find(stop));
  text.resize(end);
  return text;
}

}  // namespace rlhf
