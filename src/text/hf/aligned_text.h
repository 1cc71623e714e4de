#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rlhf::hf {

/// Bytes [begin, end) of the text that was given to encode().
struct Origin {
  std::int32_t begin = 0;
  std::int32_t end = 0;
};

/// A text on its way to the model, always well-formed UTF-8. Every byte knows the character it came from: the last byte
/// of what a character became has that character's bytes as its origin, those before it only where it begins.
class AlignedText {
 public:
  AlignedText() = default;
  /// The text as the user gave it, with U+FFFD for what is not UTF-8.
  explicit AlignedText(std::string_view original);

  std::string_view text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  Origin origin(std::size_t byte) const;
  /// Where in the original a token ends whose last byte is the one before `byte`; a token that ends inside a character
  /// covers nothing of it.
  std::int32_t end_before(std::size_t byte) const;

  /// An empty text that may grow as far as this one may.
  AlignedText successor() const;
  /// Throws DataError where the text grows beyond all measure (a file may say so).
  void append(std::string_view characters, Origin origin);
  void append(const AlignedText& from, std::size_t begin, std::size_t end);

 private:
  void check_size() const;

  std::string text_;
  std::vector<Origin> origins_;  // of every byte; nothing where the text is the original
  bool is_original_ = false;
  std::size_t limit_ = 0;
};

/// A part of a text; `added` is the id of the added token that it is, or -1.
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

/// Writes the text anew, piece by piece: `write(old text, piece, new text)` for all that are no added tokens.
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
