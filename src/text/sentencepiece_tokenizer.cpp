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

std::optional<std::int32_t> if_defined(int id) { return id < 0 ? std::nullopt : std::optional<std::int32_t>(id); }

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const std::filesystem::path& model, bool add_bos,
                                               std::vector<std::filesystem::path> files)
    : processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()),
      add_bos_(add_bos),
      files_(std::move(files)) {
  const std::string bytes = read_file(model, ExitCode::model);
  const bool loaded = processor_->LoadFromSerializedProto(bytes).ok() && processor_->GetPieceSize() > 0;
  if (!loaded)
    throw ModelError("reading tokenizer " + model.string() + ": expected a SentencePiece model, found " +
                     std::to_string(bytes.size()) + " bytes that are none");
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

Encoding SentencePieceTokenizer::encode(std::string_view text) const {
  RLHF_CHECK(text.size() <= std::numeric_limits<std::int32_t>::max(), "a text of over 2 GiB");
  Encoding encoding;
  if (add_bos_ && bos_id()) {
    encoding.ids.push_back(*bos_id());
    encoding.ends.push_back(0);
  }
  const auto result = processor_->EncodeAsImmutableProto(text);
  for (const auto& piece : result.pieces()) {
    encoding.ids.push_back(static_cast<std::int32_t>(piece.id()));
    const std::int32_t before = encoding.ends.empty() ? 0 : encoding.ends.back();
    encoding.ends.push_back(std::max(before, static_cast<std::int32_t>(piece.end())));
  }
  // White space at the end that the model's normalisation drops belongs to the last piece.
  if (result.pieces_size() > 0) encoding.ends.back() = static_cast<std::int32_t>(text.size());
  return encoding;
}

std::string SentencePieceTokenizer::decode(const TokenIds& ids) const {
  std::string text;
  std::vector<int> visible;
  for (const std::int32_t id : ids) {
    if (id >= vocab_size()) {  // a padded vocabulary: the model has ids that no piece stands for
      text += processor_->DecodeIds(visible) + "\uFFFD";
      visible.clear();
      continue;
    }
    check_id(id);
    if (!processor_->IsControl(id)) visible.push_back(id);
  }
  return text + processor_->DecodeIds(visible);
}

std::string SentencePieceTokenizer::piece(std::int32_t id) const {
  check_id(id);
  return processor_->IdToPiece(id);
}

std::int64_t SentencePieceTokenizer::vocab_size() const { return processor_->GetPieceSize(); }
std::optional<std::int32_t> SentencePieceTokenizer::bos_id() const { return if_defined(processor_->bos_id()); }
std::optional<std::int32_t> SentencePieceTokenizer::eos_id() const { return if_defined(processor_->eos_id()); }
std::optional<std::int32_t> SentencePieceTokenizer::unknown_id() const { return if_defined(processor_->unk_id()); }
std::optional<std::int32_t> SentencePieceTokenizer::pad_id() const { return if_defined(processor_->pad_id()); }

void SentencePieceTokenizer::check_id(std::int32_t id) const {
  if (id < 0 || id >= vocab_size())
    throw ModelError("decoding a token: expected an id from 0 to " + std::to_string(vocab_size() - 1) + ", found " +
                     std::to_string(id) + "; hint: the model's vocabulary does not fit this tokenizer");
}

}  // namespace rlhf
