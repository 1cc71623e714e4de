#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/json/json_reader.h"

#include "text/hf/aligned_text.h"
#include "text/hf/byte_trie.h"

namespace rlhf::hf {

/// A token that is found in a text before the text is cut into words.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< matches only if no word character is next to it
  bool lstrip = false;       ///< includes the white space on its left
  bool rstrip = false;
  bool normalized = false;  ///< its normalised content is searched in the normalised text
  bool special = false;     ///< omitted by decoding
  bool operator==(const AddedToken&) const = default;
};

/// Reads {"content": …, flags}; ignores other keys.
AddedToken read_added_token(const JsonReader& node);

/// Cuts texts at added tokens, from left to right, the longest match at each position.
class AddedTokenFinder {
 public:
  /// `pattern` is the content of the token, or its normalised form.
  void add(const AddedToken& token, std::string_view pattern, std::int32_t id);
  /// Splits the pieces that are not added tokens, so that each match becomes a piece.
  void cut(Pieces& pieces) const;

 private:
  struct Found {
    std::int32_t id;
    AddedToken token;
  };
  void cut(std::string_view text, std::int32_t offset, std::vector<Piece>& pieces) const;

  ByteTrie patterns_;  // to indices of tokens_
  std::vector<Found> tokens_;
  std::array<bool, 256> begins_{};  // for each byte, whether a pattern begins with it
};

}  // namespace rlhf::hf
