// Tokenises a record as one text and locates its parts by byte offsets.
#include "data/joined_text.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

/// The byte at which token `i` begins.
std::int32_t begin_of(const Encoding& encoding, std::ptrdiff_t i) {
  return i == 0 ? 0 : encoding.ends[static_cast<std::size_t>(i - 1)];
}

/// The number of tokens that end at or before byte `boundary` (ends do not decrease). Sets `straddles` if the next
/// token begins before it.
std::ptrdiff_t tokens_before(const Encoding& encoding, std::size_t boundary, bool& straddles) {
  const auto byte = static_cast<std::int32_t>(boundary);
  const auto first = std::upper_bound(encoding.ends.begin(), encoding.ends.end(), byte);
  const std::ptrdiff_t count = first - encoding.ends.begin();
  if (first != encoding.ends.end() && begin_of(encoding, count) < byte) straddles = true;
  return count;
}

}  // namespace

JoinedText tokenise_joined(std::string_view prompt, std::string_view completion, const Tokenizer& tokenizer) {
  std::string text(prompt);
  text += completion;
  Encoding encoding = tokenizer.encode(text);
  check_argument(encoding.ends.size() == encoding.ids.size(), "Encoding::ends",
                 "one offset per token id of the tokenizer", encoding.ends.size());

  JoinedText joined;
  joined.prompt_length = tokens_before(encoding, prompt.size(), joined.straddles);
  joined.ids = std::move(encoding.ids);
  const auto eos = tokenizer.eos_id();
  if (eos) joined.ids.push_back(*eos);
  joined.stops = eos.has_value();
  joined.answers = {{static_cast<std::int32_t>(joined.prompt_length), static_cast<std::int32_t>(joined.length())}};
  return joined;
}

Encoding encode_rendered(std::string_view text, const Tokenizer& tokenizer) {
  Encoding encoding = tokenizer.encode(text, Bos::none);
  check_argument(encoding.ends.size() == encoding.ids.size(), "Encoding::ends",
                 "one offset per token id of the tokenizer", encoding.ends.size());
  return encoding;
}

JoinedText tokenise_rendered(std::string_view text, const std::vector<ByteSpan>& answers, const Tokenizer& tokenizer) {
  Encoding encoding = encode_rendered(text, tokenizer);
  JoinedText joined;
  for (const ByteSpan& answer : answers) {
    bool straddles_end = false;
    const std::ptrdiff_t begin = tokens_before(encoding, answer.begin, joined.straddles);
    const std::ptrdiff_t end = tokens_before(encoding, answer.end, straddles_end) + (straddles_end ? 1 : 0);
    joined.straddles = joined.straddles || straddles_end;
    if (begin < end) joined.answers.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)});
  }
  joined.ids = std::move(encoding.ids);
  joined.prompt_length = joined.answers.empty() ? joined.length() : joined.answers.front().begin;
  return joined;
}

void end_at_stop(JoinedText& text, const TokenIds& stop_ids, const Tokenizer& tokenizer) {
  const auto is_stop = [&](std::int32_t id) {
    return std::find(stop_ids.begin(), stop_ids.end(), id) != stop_ids.end();
  };
  const auto is_blank = [&](std::int32_t id) {
    return tokenizer.decode({id}).find_first_not_of(" \t\r\n") == std::string::npos;
  };
  const auto first = text.ids.begin() + (text.answers.empty() ? text.length() : text.answers.back().begin);
  auto end = text.ids.end();  // after the first stop token that is followed only by stop tokens and white space
  for (auto token = text.ids.end(); token != first && (is_stop(*(token - 1)) || is_blank(*(token - 1))); --token)
    if (is_stop(*(token - 1))) end = token;
  text.ids.erase(end, text.ids.end());
  text.stops = !text.ids.empty() && is_stop(text.ids.back());
}

void truncate(JoinedText& text, std::int64_t max_length) {
  if (text.length() <= max_length) return;
  text.ids.resize(static_cast<std::size_t>(max_length));
  text.truncated = true;
}

void behead(JoinedText& text, std::int64_t count, std::int64_t kept) {
  if (count <= 0) return;
  text.ids.erase(text.ids.begin() + kept, text.ids.begin() + kept + count);
  const auto moved = [&](std::int64_t index) { return index <= kept ? index : std::max(kept, index - count); };
  for (Span& answer : text.answers)
    answer = {static_cast<std::int32_t>(moved(answer.begin)), static_cast<std::int32_t>(moved(answer.end))};
  std::erase_if(text.answers, [](const Span& answer) { return answer.begin >= answer.end; });
  text.prompt_length = text.answers.empty() ? text.length() : text.answers.front().begin;
  text.beheaded = true;
}

}  // namespace rlhf
