// A SentencePiece model as a tokenizer.
#include "text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <sentencepiece_processor.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/check.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

// A model file is a protobuf message, and bytes appended to a message are merged into it. These set field 3
// (add_dummy_prefix) of the message's field 3 (the normalizer) to false.
constexpr std::string_view kNoSpaceInFront("\x1A\x02\x18\x00", 4);

std::optional<std::int32_t> if_defined(int id) { return id < 0 ? std::nullopt : std::optional<std::int32_t>(id); }

std::unique_ptr<sentencepiece::SentencePieceProcessor> load(const std::filesystem::path& model,
                                                            const std::string& bytes) {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (!processor->LoadFromSerializedProto(bytes).ok() || processor->GetPieceSize() <= 0)
    throw ModelError("reading tokenizer " + model.string() + ": expected a SentencePiece model, found " +
                     std::to_string(bytes.size()) + " bytes of something else");
  return processor;
}

void append(Encoding& encoding, std::int32_t id, std::size_t end) {
  encoding.ids.push_back(id);
  const std::int32_t before = encoding.ends.empty() ? 0 : encoding.ends.back();
  encoding.ends.push_back(std::max(before, static_cast<std::int32_t>(end)));
}

/// The pieces that the folder gives other names. A name that is a piece already stays with that piece.
std::map<std::int32_t, std::string> new_names(const sentencepiece::SentencePieceProcessor& model,
                                              const hf::Settings& settings) {
  std::map<std::int32_t, std::string> names;
  for (const auto& [id, token] : settings.by_id) {
    if (id >= model.GetPieceSize() || model.IdToPiece(id) == token.content) continue;
    const int known = model.PieceToId(token.content);
    const bool is_piece = known >= 0 && model.IdToPiece(known) == token.content && !settings.by_id.contains(known);
    if (!is_piece) names[id] = token.content;
  }
  return names;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const std::filesystem::path& model, const hf::Settings& settings,
                                               std::vector<std::filesystem::path> files)
    : every_part_is_first_(settings.tokenizer_class.starts_with("InternLM2Tokenizer")),
      add_bos_(settings.add_bos.value_or(true)),  // the default of transformers' LlamaTokenizer
      files_(std::move(files)) {
  const std::string bytes = read_file(model, ExitCode::model);
  first_ = load(model, bytes);
  inner_ = load(model, bytes + std::string(kNoSpaceInFront));
  add_tokens(settings, model);
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

void SentencePieceTokenizer::add_tokens(const hf::Settings& settings, const std::filesystem::path& model) {
  const int size = first_->GetPieceSize();
  const auto names = new_names(*first_, settings);
  const auto find_piece = [&](std::string_view content) -> std::optional<std::int32_t> {
    for (const auto& [id, name] : names)
      if (name == content) return id;
    const int id = first_->PieceToId(content);
    const bool is_piece = id >= 0 && id < size && first_->IdToPiece(id) == content && !names.contains(id);
    return is_piece ? std::optional(id) : std::nullopt;
  };
  const auto is_special = [&](int id) { return first_->IsControl(id) || first_->IsUnknown(id); };
  hf::AddedVocabulary added(size, find_piece);
  added.add(settings, model.parent_path());
  for (int id = 0; id < size; ++id) {
    if (!is_special(id) || added.tokens().contains(id)) continue;
    const hf::AddedToken token{.content = first_->IdToPiece(id), .special = true};
    special_tokens_.add(token, token.content, id);
  }
  for (const auto& [id, token] : added.tokens()) {
    special_tokens_.add(token, token.content, id);
    if (id < size && is_special(id) && !names.contains(id)) continue;
    if (id < size && (token.special || names.contains(id))) inside_[id] = token;
    added_tokens_.add(token, token.content, id);
    has_added_tokens_ = true;
    if (id >= size) behind_.push_back(token);
  }
  const auto role = [&](const char* name, int own) {
    const auto named = added.find_role(settings, name);
    return named ? named : if_defined(own);
  };
  bos_ = role("bos_token", first_->bos_id());
  eos_ = role("eos_token", first_->eos_id());
  unknown_ = role("unk_token", first_->unk_id());
  pad_ = role("pad_token", first_->pad_id());
}

Encoding SentencePieceTokenizer::encode(std::string_view text, Bos bos) const {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw DataError("tokenising a text: expected at most 2 GiB, found " + std::to_string(text.size()) + " bytes");
  Encoding encoding;
  const bool in_front = bos == Bos::by_setting && add_bos_ && bos_;
  if (in_front) append(encoding, *bos_, 0);
  if (bos == Bos::by_setting && !has_added_tokens_) {
    encode_between(text, /*is_first=*/true, encoding);
  } else {
    hf::Pieces pieces{hf::AlignedText(text), {{0, 0}}};
    pieces.list.front().end = static_cast<std::int32_t>(pieces.text.size());
    (bos == Bos::none ? special_tokens_ : added_tokens_).cut(pieces);
    for (const hf::Piece& piece : pieces.list) {
      const auto end_of = [&](std::int32_t end) { return pieces.text.end_before(static_cast<std::size_t>(end)); };
      if (piece.added >= 0) {
        append(encoding, piece.added, static_cast<std::size_t>(end_of(piece.end)));
        continue;
      }
      Encoding part;
      encode_between(pieces.text_of(piece), piece.begin == 0 || every_part_is_first_, part);
      for (std::size_t i = 0; i < part.ids.size(); ++i)
        append(encoding, part.ids[i], static_cast<std::size_t>(end_of(piece.begin + part.ends[i])));
    }
  }
  // White space that the model's normalisation drops at the end belongs to the last piece.
  if (encoding.ids.size() > (in_front ? 1u : 0u)) encoding.ends.back() = static_cast<std::int32_t>(text.size());
  return encoding;
}

void SentencePieceTokenizer::encode_between(std::string_view text, bool is_first, Encoding& encoding) const {
  const auto result = (is_first ? first_ : inner_)->EncodeAsImmutableProto(text);
  for (const auto& piece : result.pieces()) append(encoding, static_cast<std::int32_t>(piece.id()), piece.end());
}

std::string SentencePieceTokenizer::decode_between(const std::vector<int>& ids, bool is_first) const {
  return (is_first ? first_ : inner_)->DecodeIds(ids);
}

std::string SentencePieceTokenizer::decode(const TokenIds& ids) const {
  std::string text;
  std::vector<int> visible;
  bool is_first = true;
  const auto flush = [&] {
    if (visible.empty()) return;
    text += decode_between(visible, is_first);
    is_first = false;
    visible.clear();
  };
  for (const std::int32_t id : ids) {
    const hf::AddedToken* const added = added_token(id);
    if (added || id >= vocab_size()) {
      flush();
      if (added && added->special) continue;
      is_first = false;
      text += added ? added->content : "\uFFFD";  // with a padded vocabulary the model has ids without a piece
      continue;
    }
    check_id(id);
    if (!first_->IsControl(id)) visible.push_back(id);
  }
  flush();
  return text;
}

std::string SentencePieceTokenizer::piece(std::int32_t id) const {
  check_id(id);
  const hf::AddedToken* const added = added_token(id);
  return added ? added->content : first_->IdToPiece(id);
}

const hf::AddedToken* SentencePieceTokenizer::added_token(std::int32_t id) const {
  if (const auto inside = inside_.find(id); inside != inside_.end()) return &inside->second;
  const std::int32_t index = id - first_->GetPieceSize();
  return index >= 0 && index < static_cast<std::int32_t>(behind_.size()) ? &behind_[static_cast<std::size_t>(index)]
                                                                         : nullptr;
}

std::int64_t SentencePieceTokenizer::vocab_size() const {
  return first_->GetPieceSize() + static_cast<std::int64_t>(behind_.size());
}

void SentencePieceTokenizer::check_id(std::int32_t id) const {
  if (id < 0 || id >= vocab_size())
    throw ModelError("decoding a token: expected an id from 0 to " + std::to_string(vocab_size() - 1) + ", found " +
                     std::to_string(id) + "; hint: the model's vocabulary does not match this tokenizer");
}

}  // namespace rlhf
