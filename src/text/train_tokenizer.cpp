// Trains a SentencePiece tokenizer.
#include <algorithm>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>
#include <sentencepiece_trainer.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {
namespace {

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return next_ == lines_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return lines_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t next_ = 0;
};

// Without a dummy prefix, decoding returns exactly the encoded bytes, including spaces at the start. With
// add_prefix_space: false, transformers' LlamaTokenizer returns the same ids.
std::unordered_map<std::string, std::string> trainer_arguments(const TokenizerTraining& settings) {
  return {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(settings.vocab_size)},
      {"character_coverage", std::to_string(settings.character_coverage)},
      {"split_digits", settings.split_digits ? "true" : "false"},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "false"},
      {"max_sentence_length", "67108864"},  // bytes; longer lines would be skipped silently
      {"unk_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"pad_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "3"},
  };
}

nlohmann::ordered_json tokenizer_config() {
  return {
      {"tokenizer_class", "LlamaTokenizer"},
      {"add_bos_token", true},
      {"add_eos_token", false},
      {"add_prefix_space", false},
      {"legacy", false},
      {"clean_up_tokenization_spaces", false},
      {"bos_token", "<s>"},
      {"eos_token", "</s>"},
      {"unk_token", "<unk>"},
  };
}

// The library's message is "Internal: file.cc(line) [condition] reason"; returns the reason.
std::string words_of(const std::string& reason) {
  const auto bracket = reason.rfind("] ");
  return bracket == std::string::npos ? reason : reason.substr(bracket + 2);
}

}  // namespace

void train_tokenizer(const std::vector<std::string>& lines, const TokenizerTraining& settings,
                     const std::filesystem::path& folder) {
  const std::string expected = "training a tokenizer: expected text for " + std::to_string(settings.vocab_size) +
                               " pieces, found " + std::to_string(lines.size()) + " lines: ";
  if (std::all_of(lines.begin(), lines.end(), [](const std::string& line) { return line.empty(); }))
    throw DataError(expected + "they contain no text");
  Lines iterator(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(trainer_arguments(settings), &iterator, &model);
  if (!status.ok()) throw DataError(expected + words_of(status.ToString()));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw OutputError("writing " + folder.string() + ": " + error.message());
  write_file_atomically(folder / "tokenizer.model", model);
  write_file_atomically(folder / "tokenizer_config.json", tokenizer_config().dump(2) + "\n");
}

}  // namespace rlhf
