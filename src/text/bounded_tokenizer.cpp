// A tokenizer whose special tokens beyond the model's vocabulary are refused.
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {
namespace {

/// Wraps a tokenizer and refuses texts with special tokens for which the model has no embedding.
class BoundedTokenizer : public Tokenizer {
 public:
  BoundedTokenizer(std::unique_ptr<Tokenizer> inner, std::int64_t vocab_size)
      : inner_(std::move(inner)), vocab_size_(vocab_size) {}

  Encoding encode(std::string_view text, Bos bos) const override {
    Encoding encoding = inner_->encode(text, bos);
    for (const std::int32_t id : encoding.ids)
      if (id >= vocab_size_)
        throw DataError(
            "expected tokens of the model's vocabulary (ids below " + std::to_string(vocab_size_) + "), found " +
            nlohmann::json(inner_->piece(id)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + " (id " +
            std::to_string(id) + ")");
    return encoding;
  }
  std::string decode(const TokenIds& ids) const override { return inner_->decode(ids); }
  std::string piece(std::int32_t id) const override { return inner_->piece(id); }
  std::int64_t vocab_size() const override { return vocab_size_; }
  bool has(std::int32_t id) const override { return id < vocab_size_ && inner_->has(id); }
  std::optional<std::int32_t> bos_id() const override { return known(inner_->bos_id()); }
  std::optional<std::int32_t> eos_id() const override { return known(inner_->eos_id()); }
  std::optional<std::int32_t> unknown_id() const override { return known(inner_->unknown_id()); }
  std::optional<std::int32_t> pad_id() const override { return known(inner_->pad_id()); }
  std::vector<std::filesystem::path> files() const override { return inner_->files(); }

 private:
  std::optional<std::int32_t> known(std::optional<std::int32_t> id) const {
    return id && *id < vocab_size_ ? id : std::nullopt;
  }

  std::unique_ptr<Tokenizer> inner_;
  std::int64_t vocab_size_;
};

/// Only special tokens may be beyond the vocabulary: no text other than their own name is encoded to them.
bool all_special(const Tokenizer& tokenizer, std::int64_t from) {
  for (auto id = static_cast<std::int32_t>(from); id < tokenizer.vocab_size(); ++id)
    if (!tokenizer.decode({id}).empty()) return false;
  return true;
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path, std::int64_t vocab_size) {
  auto tokenizer = load_tokenizer(path);
  if (tokenizer->vocab_size() <= vocab_size) return tokenizer;
  if (!all_special(*tokenizer, vocab_size))
    throw ModelError(path.string() + ": expected a tokenizer of at most " + std::to_string(vocab_size) +
                     " ids (the model's vocabulary), found " + std::to_string(tokenizer->vocab_size()));
  auto bounded = std::make_unique<BoundedTokenizer>(std::move(tokenizer), vocab_size);
  try {
    bounded->encode("", Bos::by_setting);
  } catch (const DataError& error) {
    throw ModelError(path.string() + ": tokens added before every text: " + error.what());
  }
  return bounded;
}

}  // namespace rlhf
