// Decodes a response as the continuation of its prompt.
#include <algorithm>

#include "rlhf/text/tokenizer.h"

namespace rlhf {
namespace {

using Ids = std::span<const std::int32_t>;

/// What `ids` add to the text of `context`; nullopt if that text becomes another one, or is empty although it need not
/// be.
std::optional<std::string> added_text(const Tokenizer& tokenizer, Ids context, const TokenIds& ids, bool may_be_empty) {
  TokenIds all(context.begin(), context.end());
  const std::string before = tokenizer.decode(all);
  if (before.empty() && !may_be_empty) return std::nullopt;
  all.insert(all.end(), ids.begin(), ids.end());
  std::string text = tokenizer.decode(all);
  if (!text.starts_with(before)) return std::nullopt;
  return text.substr(before.size());
}

}  // namespace

std::string decode_after(const Tokenizer& tokenizer, Ids context, const TokenIds& ids) {
  constexpr std::size_t kEnough = 16;  // the last tokens almost always have a text
  for (const std::size_t size : {std::min(kEnough, context.size()), context.size()})
    if (auto text = added_text(tokenizer, context.last(size), ids, size == context.size())) return *text;
  // The text of the context changes if it ends within a character whose bytes the first of `ids` continue wrongly.
  for (std::size_t size = context.size(); size > 0 && context.size() - size < kEnough; --size)
    if (auto text = added_text(tokenizer, context.first(size - 1), ids, /*may_be_empty=*/false)) return *text;
  return tokenizer.decode(ids);
}

}  // namespace rlhf
