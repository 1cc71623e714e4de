// The pre-tokenizers of a tokenizer.json, which cut a text into words.
#include "text/hf/pre_tokenizer.h"

#include <string>
#include <string_view>

#include "text/hf/characters.h"
#include "text/hf/metaspace.h"
#include "text/hf/pattern.h"
#include "text/hf/splitting.h"

namespace rlhf::hf {
namespace {

// GPT-2's expression, which a ByteLevel step uses to cut unless use_regex is false.
constexpr std::string_view kGpt2Words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The words of the Whitespace step, in PCRE2's syntax.
constexpr const char* kWordsAndSigns =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+)";

/// Finds the characters that satisfy a condition; each is a separate match.
template <typename Condition>
Finder finder_of_characters(Condition condition) {
  return [condition](std::string_view text, std::vector<TextRange>& found) {
    found.clear();
    for (std::size_t at = 0; at < text.size();) {
      const Character character = character_at(text, at);
      if (condition(character.code)) found.push_back({at, at + character.bytes});
      at += character.bytes;
    }
  };
}

void prepend_spaces(Pieces& pieces) {
  rewrite(pieces, [](const AlignedText& from, const Piece& piece, AlignedText& to) {
    const auto begin = static_cast<std::size_t>(piece.begin), end = static_cast<std::size_t>(piece.end);
    const std::int32_t origin = from.origin(begin).begin;
    if (from.text()[begin] != ' ') to.append(" ", {origin, origin});
    to.append(from, begin, end);
  });
}

void spell_bytes(Pieces& pieces) {
  rewrite(pieces, [](const AlignedText& from, const Piece& piece, AlignedText& to) {
    for (auto at = static_cast<std::size_t>(piece.begin); at < static_cast<std::size_t>(piece.end); ++at)
      to.append(letter_of_byte(static_cast<unsigned char>(from.text()[at])), from.origin(at));
  });
}

void add_byte_level(const JsonReader& node, PreTokenizer& steps) {
  node.boolean_or("trim_offsets", true);  // affects only offsets, which are computed in another way here
  if (node.at("add_prefix_space").boolean()) steps.push_back(prepend_spaces);
  if (node.boolean_or("use_regex", true)) {
    const Finder words = finder_of_regex(Regex(to_pcre2(kGpt2Words)));
    steps.push_back([words](Pieces& pieces) { split(pieces, words, Cut::isolated); });
  }
  steps.push_back(spell_bytes);
}

void add_split(const JsonReader& node, PreTokenizer& steps) {
  const Finder finder = read_pattern(node.at("pattern"));
  const Cut cut = read_cut(node.at("behavior"));
  const bool invert = node.at("invert").boolean();
  steps.push_back([=](Pieces& pieces) { split(pieces, finder, cut, invert); });
}

void add_metaspace(const JsonReader& node, PreTokenizer& steps) {
  const Metaspace metaspace = read_metaspace(node);
  steps.push_back([=](Pieces& pieces) { write_spaces(metaspace, pieces); });
  if (!metaspace.split) return;
  const Finder finder = finder_of_text(metaspace.replacement);
  steps.push_back([=](Pieces& pieces) { split(pieces, finder, Cut::merged_with_next); });
}

void add_digits(const JsonReader& node, PreTokenizer& steps) {
  const Cut cut = node.at("individual_digits").boolean() ? Cut::isolated : Cut::contiguous;
  const Finder digits = finder_of_characters(is_numeric);
  steps.push_back([=](Pieces& pieces) { split(pieces, digits, cut); });
}

void add_punctuation(const JsonReader& node, PreTokenizer& steps) {
  const auto behavior = node.find("behavior");
  const Cut cut = behavior ? read_cut(*behavior) : Cut::isolated;
  const Finder signs = finder_of_characters(is_punctuation);
  steps.push_back([=](Pieces& pieces) { split(pieces, signs, cut); });
}

void add_whitespace(PreTokenizer& steps) {
  const Finder words = finder_of_regex(Regex(kWordsAndSigns));
  steps.push_back([=](Pieces& pieces) { split(pieces, words, Cut::removed, /*invert=*/true); });
}

void add_whitespace_split(PreTokenizer& steps) {
  const Finder spaces = finder_of_characters(is_white_space);
  steps.push_back([=](Pieces& pieces) { split(pieces, spaces, Cut::removed); });
}

void add_steps(const JsonReader& node, PreTokenizer& steps);

void add_sequence(const JsonReader& node, PreTokenizer& steps) {
  const JsonReader parts = node.at("pretokenizers");
  for (std::size_t i = 0; i < parts.list().size(); ++i) add_steps(parts.item(i), steps);
}

void add_steps(const JsonReader& node, PreTokenizer& steps) {
  const std::string& type = node.at("type").string();
  if (type == "Sequence") return add_sequence(node, steps);
  if (type == "ByteLevel") return add_byte_level(node, steps);
  if (type == "Split") return add_split(node, steps);
  if (type == "Metaspace") return add_metaspace(node, steps);
  if (type == "Digits") return add_digits(node, steps);
  if (type == "Punctuation") return add_punctuation(node, steps);
  if (type == "Whitespace") return add_whitespace(steps);
  if (type == "WhitespaceSplit") return add_whitespace_split(steps);
  node.at("type").fail(
      "a supported pre-tokenizer (ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, "
      "Sequence)");
}

}  // namespace

PreTokenizer read_pre_tokenizer(const JsonReader& node) {
  PreTokenizer steps;
  add_steps(node, steps);
  return steps;
}

}  // namespace rlhf::hf
