// rlhf-tokenizer: trains a SentencePiece BPE tokenizer on the texts of JSONL files.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/text/tokenizer.h"

#include "command_line.h"
#include "front.h"
#include "run_guarded.h"

namespace rlhf {
namespace {

struct TokenizerConfig {
  std::vector<std::string> input;
  std::vector<std::string> fields = {"text", "prompt", "completion"};
  std::int64_t vocab_size = 512;
  double character_coverage = 1.0;
  bool split_digits = true;
  std::string output;
};
constexpr auto describe(const TokenizerConfig*) {
  using C = TokenizerConfig;
  return std::make_tuple(
      field<&C::input>("JSONL files or globs (.jsonl, .jsonl.gz)").path(),
      field<&C::fields>("fields with the training texts; repeat the flag for several"),
      field<&C::vocab_size>("number of pieces, including the 256 bytes and the control tokens", in_range(260, 1 << 22)),
      field<&C::character_coverage>("share of the characters in the texts that become pieces; the others become bytes",
                                    more_than(0.0).up_to(1.0)),
      field<&C::split_digits>("make every digit a separate piece"),
      field<&C::output>("folder for tokenizer.model and tokenizer_config.json; must be empty or absent").path());
}

std::vector<Issue> validate(const TokenizerConfig& config) {
  std::vector<Issue> issues;
  if (config.input.empty()) issues.push_back({{"input"}, "expected at least one file, found none"});
  if (config.fields.empty()) issues.push_back({{"fields"}, "expected at least one field, found none"});
  if (config.output.empty()) {
    issues.push_back({{"output"}, "expected a folder, found nothing"});
  } else if (std::filesystem::exists(config.output) && !std::filesystem::is_empty(config.output)) {
    issues.push_back({{"output"}, "expected an empty or absent folder, found files in " + config.output});
  }
  return issues;
}

/// The texts of `fields`, in the order of files and lines. Each line must have at least one of the fields.
std::vector<std::string> read_texts(const TokenizerConfig& config) {
  std::vector<std::string> texts;
  for (const std::filesystem::path& file : expand_globs(config.input)) {
    for_each_json_line(file, /*max_bad_lines=*/0, [&](const JsonLine& line) {
      const std::size_t before = texts.size();
      for (const std::string& field : config.fields) {
        if (line.value.contains(field)) texts.push_back(string_field(line, field));
      }
      if (texts.size() == before) string_field(line, config.fields.front());
    });
  }
  return texts;
}

void train(const TokenizerConfig& config) {
  const std::vector<std::string> texts = read_texts(config);
  train_tokenizer(texts,
                  {.vocab_size = config.vocab_size,
                   .character_coverage = config.character_coverage,
                   .split_digits = config.split_digits},
                  config.output);
  log_info("wrote a tokenizer with " + std::to_string(config.vocab_size) + " pieces, trained on " +
           std::to_string(texts.size()) + " texts, to " + config.output);
}

}  // namespace

template <>
inline constexpr Tool kTool<TokenizerConfig>{"rlhf-tokenizer",
                                             "",
                                             "Trains a SentencePiece BPE tokenizer on JSONL files.",
                                             "--input texts.jsonl --vocab-size 8000 --output my-tokenizer",
                                             KeyStyle::flag,
                                             false,
                                             false};

}  // namespace rlhf

int main(int argc, char** argv) {
  using rlhf::TokenizerConfig;
  return rlhf::run_guarded([&] {
    auto command = rlhf::parse_command<TokenizerConfig>(argc, argv);
    if (!rlhf::print_requested(rlhf::kTool<TokenizerConfig>, command.line, rlhf::bind(command.config)))
      rlhf::train(command.config);
  });
}
