#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf::testing {

/// One token per byte, except that every place where a text of `merges` stands is one token; earlier merges go first,
/// so what follows can change how the bytes before it are split, as in byte-pair encoding.
///
/// Ids: the byte itself, 256 BOS, 257 EOS, 258 + i for merges[i].
class ByteTokenizer : public Tokenizer {
 public:
  static constexpr std::int32_t kBos = 256, kEos = 257, kFirstMerge = 258;

  std::vector<std::string> merges;
  bool add_bos = true;
  bool has_eos = true;
  bool drop_leading_space = false;  ///< decode() drops one space at the start, as SentencePiece does

  Encoding encode(std::string_view text, Bos bos = Bos::by_setting) const override {
    Encoding encoding;
    if (add_bos && bos == Bos::by_setting) append(encoding, kBos, 0);
    std::vector<std::int32_t> ids;  // kMerged where a merge to the left covers the byte
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    for (std::size_t i = 0; i < merges.size(); ++i) {
      const std::size_t length = merges[i].size();
      for (std::size_t at = text.find(merges[i]); at != text.npos; at = text.find(merges[i], at + 1)) {
        const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = begin + static_cast<std::ptrdiff_t>(length);
        if (std::any_of(begin, end, [](std::int32_t id) { return id == kMerged || id >= kFirstMerge; })) continue;
        std::fill(begin, end, kMerged);
        *begin = kFirstMerge + static_cast<std::int32_t>(i);
      }
    }
    for (std::size_t at = 0; at < ids.size(); ++at) {
      if (ids[at] == kMerged) {
        encoding.ends.back() = static_cast<std::int32_t>(at + 1);
      } else {
        append(encoding, ids[at], at + 1);
      }
    }
    return encoding;
  }

  std::string decode(const TokenIds& ids) const override {
    std::string text;
    for (const std::int32_t id : ids) {
      if (id != kBos && id != kEos) text += piece(id);
    }
    return drop_leading_space && text.starts_with(' ') ? text.substr(1) : text;
  }

  std::string piece(std::int32_t id) const override {
    if (id == kBos) return "<s>";
    if (id == kEos) return "</s>";
    return id < kBos ? std::string(1, static_cast<char>(id)) : merges.at(static_cast<std::size_t>(id - kFirstMerge));
  }

  std::int64_t vocab_size() const override { return kFirstMerge + static_cast<std::int64_t>(merges.size()); }
  std::optional<std::int32_t> bos_id() const override { return kBos; }
  std::optional<std::int32_t> eos_id() const override { return has_eos ? std::optional(kEos) : std::nullopt; }
  std::optional<std::int32_t> unknown_id() const override { return std::nullopt; }
  std::optional<std::int32_t> pad_id() const override { return std::nullopt; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  static constexpr std::int32_t kMerged = -1;

  static void append(Encoding& encoding, std::int32_t id, std::size_t end) {
    encoding.ids.push_back(id);
    encoding.ends.push_back(static_cast<std::int32_t>(end));
  }
};

}  // namespace rlhf::testing
