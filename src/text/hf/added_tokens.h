#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/hf/aligned_text.h"
#include "text/hf/byte_trie.h"
#include "text/hf/json_node.h"

namespace rlhf::hf {

/// A token that is found in a text before the model sees it.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< only where no word character stands beside it
  bool lstrip = false;       ///< takes the white space on its left
  bool rstrip = false;
  bool normalized = false;  ///< is looked for in the normalized text, itself normalized
  bool special = false;     ///< decoding leaves it out
};

/// Reads {"content": …, flags}; `other_keys` are allowed beside these.
AddedToken read_added_token(const JsonNode& node, const std::vector<std::string_view>& other_keys = {});

/// Cuts texts at added tokens: at every place the longest one, from left to right.
class AddedTokenFinder {
 public:
  /// `pattern` is the content, or its normalized form.
  void add(const AddedToken& token, std::string_view pattern, std::int32_t id);
  /// Makes every occurrence in a piece that is no added token one of its own.
  void cut(Pieces& pieces) const;

 private:
  struct Found {
    std::int32_t id;
    AddedToken token;
  };
  void cut(std::string_view text, std::int32_t offset, std::vector<Piece>& pieces) const;

  ByteTrie patterns_;  // to indices of tokens_
  std::vector<Found> tokens_;
  std::array<bool, 256> begins_{};  // whether a pattern begins with a byte
};

}  // namespace rlhf::hf
