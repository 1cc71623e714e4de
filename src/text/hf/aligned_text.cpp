// A text that remembers which bytes of the original each of its bytes came from.
#include "text/hf/aligned_text.h"

#include <string>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

#include "text/hf/characters.h"

namespace rlhf::hf {
namespace {

constexpr std::size_t kMaxOriginal = std::size_t{64} << 20;

Origin as_origin(std::size_t begin, std::size_t end) {
  return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)};
}

}  // namespace

AlignedText::AlignedText(std::string_view original) : limit_((std::size_t{1} << 20) + 16 * original.size()) {
  if (original.size() > kMaxOriginal)
    throw DataError("tokenising a text: expected at most 64 MiB, found " + std::to_string(original.size()) + " bytes");
  std::size_t bad = first_invalid_utf8(original).value_or(original.size());
  is_original_ = bad == original.size();
  if (is_original_) {
    text_ = original;
    return;
  }
  for (std::size_t at = 0; at < original.size();) {
    const bool mend = at == bad;
    const std::size_t length = mend ? ill_formed_length(original, at) : character_at(original, at).bytes;
    append(mend ? "\uFFFD" : original.substr(at, length), as_origin(at, at + length));
    at += length;
    if (mend) bad = at + first_invalid_utf8(original.substr(at)).value_or(original.size() - at);
  }
}

Origin AlignedText::origin(std::size_t byte) const {
  if (!is_original_) return origins_[byte];
  const std::size_t begin = character_begin(text_, byte);
  const std::size_t end = begin + character_at(text_, begin).bytes;
  return as_origin(begin, byte + 1 == end ? end : begin);
}

std::int32_t AlignedText::end_before(std::size_t byte) const { return byte == 0 ? 0 : origin(byte - 1).end; }

AlignedText AlignedText::successor() const {
  AlignedText next;
  next.limit_ = limit_;
  next.text_.reserve(text_.size() + text_.size() / 4);
  next.origins_.reserve(text_.size() + text_.size() / 4);
  return next;
}

void AlignedText::check_size() const {
  if (text_.size() > limit_)
    throw DataError("tokenising a text: expected at most " + std::to_string(limit_) +
                    " bytes after the tokenizer's normalisation, found more");
}

void AlignedText::append(std::string_view characters, Origin origin) {
  if (characters.empty()) return;
  text_.append(characters);
  check_size();
  origins_.insert(origins_.end(), characters.size() - 1, Origin{origin.begin, origin.begin});
  origins_.push_back(origin);
}

void AlignedText::append(const AlignedText& from, std::size_t begin, std::size_t end) {
  text_.append(from.text_, begin, end - begin);
  check_size();
  if (!from.is_original_) {
    origins_.insert(origins_.end(), from.origins_.begin() + static_cast<std::ptrdiff_t>(begin),
                    from.origins_.begin() + static_cast<std::ptrdiff_t>(end));
    return;
  }
  for (std::size_t at = begin; at < end; ++at) origins_.push_back(from.origin(at));
}

}  // namespace rlhf::hf
