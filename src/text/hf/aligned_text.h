#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rlhf::hf {

/// Bytes [begin, end) of the original text, the argument of encode().
struct Origin {
  std::int32_t begin = 0;
  std::int32_t end = 0;
};

/// The text between the steps of a tokenizer, always well-formed UTF-8. Every byte has an origin in the original text.
/// If the steps turned a character into several bytes, the last of these has all bytes of the character as its origin;
/// the others have an empty origin at the start of the character.
class AlignedText {
 public:
  AlignedText() = default;
  /// Begins with the original text; bytes that are not UTF-8 become U+FFFD.
  explicit AlignedText(std::string_view original);

  std::string_view text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  Origin origin(std::size_t byte) const;
  /// The end in the original of a token whose last byte is the one before `byte`. A token that ends inside a character
  /// covers no byte of that character.
  std::int32_t end_before(std::size_t byte) const;

  /// An empty text with the same size limit.
  AlignedText successor() const;
  /// Throws DataError if the text exceeds its size limit (the rules of a malicious file could let it grow).
  void append(std::string_view characters, Origin origin);
  void append(const AlignedText& from, std::size_t begin, std::size_t end);

 private:
  void check_size() const;

  std::string text_;
  std::vector<Origin> origins_;  // of every byte; empty while the text is unchanged
  bool is_original_ = false;
  std::size_t limit_ = 0;
};

/// A part of a text. `added` is the id if the part is an added token, else -1.
struct Piece {
  std::int32_t begin = 0;
  std::int32_t end = 0;
  std::int32_t added = -1;
};

struct Pieces {
  AlignedText text;
  std::vector<Piece> list;

  std::string_view text_of(const Piece& piece) const {
    return text.text().substr(static_cast<std::size_t>(piece.begin), static_cast<std::size_t>(piece.end - piece.begin));
  }
};

/// Rewrites the text piece by piece: calls `write(old text, piece, new text)` for pieces that are not added tokens.
template <typename Write>
void rewrite(Pieces& pieces, const Write& write) {
  AlignedText to = pieces.text.successor();
  for (Piece& piece : pieces.list) {
    const auto begin = static_cast<std::int32_t>(to.size());
    if (piece.added >= 0) {
      to.append(pieces.text, static_cast<std::size_t>(piece.begin), static_cast<std::size_t>(piece.end));
    } else {
      write(std::as_const(pieces.text), piece, to);
    }
    piece.begin = begin;
    piece.end = static_cast<std::int32_t>(to.size());
  }
  pieces.text = std::move(to);
}

}  // namespace rlhf::hf
