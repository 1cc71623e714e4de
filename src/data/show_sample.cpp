// Shows a sample with its trained tokens marked.
#include <cstddef>
#include <cstdint>
#include <string>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/message.h"
#include "rlhf/data/samples.h"

namespace rlhf {
namespace {

/// Whether a token is a special one that decode() omits: BOS, EOS, the markers of a chat template. (decode() also omits
/// a single space at the start of a text.)
bool is_mark(std::int32_t id, const Tokenizer& tokenizer) {
  const std::string piece = tokenizer.piece(id);
  return tokenizer.decode({id}).empty() && piece != "▁" && piece != " ";
}

}  // namespace

std::string show_sample(const Sample& sample, const Tokenizer& tokenizer, bool colour) {
  for (const Span& part : sample.trained)
    check_argument(part.begin >= 0 && part.begin <= part.end && static_cast<std::size_t>(part.end) <= sample.ids.size(),
                   "trained", "spans of the tokens", part.end);
  const std::string open = colour ? "\033[32m" : "⟦";
  const std::string close = colour ? "\033[0m" : "⟧";
  std::string out;
  std::size_t shown = 0;  // bytes of the decoded text that are already in `out`
  // Decodes from the start each time: decoding a part alone would drop the space at its start.
  const auto show_until = [&](std::size_t index) {
    const auto end = sample.ids.begin() + static_cast<std::ptrdiff_t>(index);
    const std::string text = tokenizer.decode(TokenIds(sample.ids.begin(), end));
    if (text.size() <= shown) return;
    out += terminal_text(std::string_view(text).substr(shown));
    shown = text.size();
  };

  auto span = sample.trained.begin();
  for (std::size_t i = 0; i < sample.ids.size(); ++i) {
    const bool marks = span != sample.trained.end();
    if (marks && i == static_cast<std::size_t>(span->begin)) {
      show_until(i);
      out += open;
    }
    if (is_mark(sample.ids[i], tokenizer)) {
      show_until(i);
      out += terminal_text(tokenizer.piece(sample.ids[i]));
    }
    if (marks && i + 1 == static_cast<std::size_t>(span->end)) {
      show_until(i + 1);
      out += close;
      ++span;
    }
  }
  show_until(sample.ids.size());
  return out;
}

}  // namespace rlhf
