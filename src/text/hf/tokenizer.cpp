// The tokenizer of a Hugging Face folder: its steps in order, and decoding.
#include "text/hf/tokenizer.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "rlhf/core/error.h"

namespace rlhf::hf {
namespace {

std::string normalized(const std::string& content, const Normalizer& normalizer) {
  AlignedText text(content);
  for (const auto& step : normalizer) step(text);
  return std::string(text.text());
}

void append(Encoding& encoding, std::int32_t id, std::int32_t end) {
  encoding.ids.push_back(id);
  encoding.ends.push_back(encoding.ends.empty() ? end : std::max(encoding.ends.back(), end));
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(Parts parts) : parts_(std::move(parts)) {
  for (const auto& [piece, id] : parts_.model->vocabulary().pieces()) {
    entry(id).is_there = true;
    entry(id).piece = piece;
  }
  for (const auto& [id, token] : parts_.added) add_entry(id, token);
  // Decoding omits a special token by its text, whatever its id.
  std::set<std::string, std::less<>> hidden;
  for (const auto& [id, token] : parts_.added)
    if (token.special) hidden.insert(token.content);
  for (Entry& one : pieces_) one.is_hidden = one.is_there && hidden.contains(one.normalized.value_or(one.piece));
}

void PipelineTokenizer::add_entry(std::int32_t id, const AddedToken& token) {
  Entry& added = entry(id);
  added.is_there = true;
  added.piece = token.content;
  if (!token.normalized) return raw_tokens_.add(token, token.content, id);
  added.normalized = normalized(token.content, parts_.normalizer);
  normalized_tokens_.add(token, *added.normalized, id);
}

PipelineTokenizer::Entry& PipelineTokenizer::entry(std::int32_t id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= pieces_.size()) pieces_.resize(index + 1);
  return pieces_[index];
}

bool PipelineTokenizer::has(std::int32_t id) const {
  return id >= 0 && id < vocab_size() && pieces_[static_cast<std::size_t>(id)].is_there;
}

void PipelineTokenizer::normalize(Pieces& pieces) const {
  rewrite(pieces, [&](const AlignedText& from, const Piece& piece, AlignedText& to) {
    AlignedText part = from.successor();
    part.append(from, static_cast<std::size_t>(piece.begin), static_cast<std::size_t>(piece.end));
    for (const auto& step : parts_.normalizer) step(part);
    to.append(part, 0, part.size());
  });
  std::erase_if(pieces.list, [](const Piece& piece) { return piece.begin == piece.end; });
}

Pieces PipelineTokenizer::pieces_of(std::string_view text) const {
  Pieces pieces{AlignedText(text), {}};
  if (!text.empty()) pieces.list.push_back({0, static_cast<std::int32_t>(pieces.text.size())});
  raw_tokens_.cut(pieces);
  if (!parts_.normalizer.empty()) normalize(pieces);
  normalized_tokens_.cut(pieces);
  for (const auto& step : parts_.pre_tokenizer) step(pieces);
  return pieces;
}

Encoding PipelineTokenizer::encode(std::string_view text, Bos bos) const {
  Encoding encoding;
  if (bos == Bos::by_setting)
    for (const std::int32_t id : parts_.front) append(encoding, id, 0);
  const std::size_t front = encoding.ids.size();
  const Pieces pieces = pieces_of(text);
  std::vector<WordToken> tokens;
  for (const Piece& piece : pieces.list) {
    if (piece.added >= 0) {
      append(encoding, piece.added, pieces.text.end_before(static_cast<std::size_t>(piece.end)));
      continue;
    }
    tokens.clear();
    parts_.model->encode(pieces.text_of(piece), tokens);
    auto end = static_cast<std::size_t>(piece.begin);
    for (const WordToken& token : tokens) {
      end += static_cast<std::size_t>(token.bytes);
      append(encoding, token.id, pieces.text.end_before(end));
    }
  }
  // Bytes that the rules drop at the end of a text belong to the last token.
  if (encoding.ids.size() > front) encoding.ends.back() = static_cast<std::int32_t>(text.size());
  return encoding;
}

std::string PipelineTokenizer::decode(const TokenIds& ids) const {
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    if (id < 0) throw ModelError("decoding a token: expected an id from 0, found " + std::to_string(id));
    if (!has(id)) {
      tokens.push_back("\uFFFD");
      continue;
    }
    const Entry& known = pieces_[static_cast<std::size_t>(id)];
    if (!known.is_hidden) tokens.push_back(known.normalized.value_or(known.piece));
  }
  if (parts_.decoder)
    for (const auto& step : *parts_.decoder) step(tokens);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) text.append(i > 0 && !parts_.decoder ? " " : "").append(tokens[i]);
  return text;
}

std::string PipelineTokenizer::piece(std::int32_t id) const {
  if (!has(id))
    throw ModelError("decoding a token: expected an id from 0 to " + std::to_string(vocab_size() - 1) + ", found " +
                     std::to_string(id) + "; hint: the model's vocabulary does not match this tokenizer");
  return pieces_[static_cast<std::size_t>(id)].piece;
}

}  // namespace rlhf::hf
