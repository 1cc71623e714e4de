// Reads added tokens and finds them in texts.
#include "text/hf/added_tokens.h"

#include <string>
#include <utility>

#include "rlhf/text/regex.h"

#include "text/hf/characters.h"

namespace rlhf::hf {
namespace {

constexpr std::size_t kMaxContentBytes = 512;  // bounds the search at each position of a text

bool is_word(std::string_view character) {
  static const Regex kWord(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])");
  return kWord.matches(character);
}

// Whether [begin, end) has no word character next to it.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0) {
    const std::size_t before = character_begin(text, begin - 1);
    if (is_word(text.substr(before, begin - before))) return false;
  }
  return end == text.size() || !is_word(text.substr(end, character_at(text, end).bytes));
}

// Extends a match by the white space on its left, but not beyond byte `from`, where the token before it ends.
std::size_t without_space_before(std::string_view text, std::size_t at, std::size_t from) {
  while (at > from) {
    const std::size_t before = character_begin(text, at - 1);
    if (!is_white_space(character_at(text, before).code)) break;
    at = before;
  }
  return at;
}

std::size_t without_space_behind(std::string_view text, std::size_t at) {
  while (at < text.size() && is_white_space(character_at(text, at).code)) at += character_at(text, at).bytes;
  return at;
}

}  // namespace

AddedToken read_added_token(const JsonReader& node) {
  AddedToken token;
  token.content = node.at("content").string();
  if (token.content.size() > kMaxContentBytes)
    node.at("content").fail("at most 512 bytes", std::to_string(token.content.size()));
  token.single_word = node.boolean_or("single_word", false);
  token.lstrip = node.boolean_or("lstrip", false);
  token.rstrip = node.boolean_or("rstrip", false);
  token.special = node.boolean_or("special", false);
  token.normalized = node.boolean_or("normalized", !token.special);
  return token;
}

void AddedTokenFinder::add(const AddedToken& token, std::string_view pattern, std::int32_t id) {
  if (pattern.empty()) return;
  patterns_.insert(pattern, static_cast<std::int32_t>(tokens_.size()));
  tokens_.push_back({id, token});
  begins_[static_cast<unsigned char>(pattern[0])] = true;
}

void AddedTokenFinder::cut(Pieces& pieces) const {
  if (tokens_.empty()) return;
  std::vector<Piece> all;
  for (const Piece& piece : pieces.list) {
    if (piece.added >= 0) {
      all.push_back(piece);
    } else {
      cut(pieces.text_of(piece), piece.begin, all);
    }
  }
  pieces.list = std::move(all);
}

void AddedTokenFinder::cut(std::string_view text, std::int32_t offset, std::vector<Piece>& pieces) const {
  const auto add_piece = [&](std::size_t begin, std::size_t end, std::int32_t id) {
    if (begin < end)
      pieces.push_back({offset + static_cast<std::int32_t>(begin), offset + static_cast<std::int32_t>(end), id});
  };
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    std::int32_t index = -1;
    if (begins_[static_cast<unsigned char>(text[at])])
      patterns_.for_each_prefix(text, at, [&](std::size_t bytes, std::int32_t value) {
        length = bytes;
        index = value;
      });
    if (index < 0) {
      ++at;
      continue;
    }
    const auto& [id, token] = tokens_[static_cast<std::size_t>(index)];
    const std::size_t begin = at, end = at + length;
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    const std::size_t left = token.lstrip ? without_space_before(text, begin, done) : begin;
    const std::size_t right = token.rstrip ? without_space_behind(text, end) : end;
    add_piece(done, left, -1);
    add_piece(left, right, id);
    done = right;
  }
  add_piece(done, text.size(), -1);
}

}  // namespace rlhf::hf
