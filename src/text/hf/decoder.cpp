// The steps from pieces back to text.
#include "text/hf/decoder.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "rlhf/core/utf8.h"

#include "text/hf/characters.h"
#include "text/hf/metaspace.h"
#include "text/hf/pattern.h"
#include "text/hf/tokenizer_json.h"

namespace rlhf::hf {
namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

void fuse(Tokens& tokens) { tokens = {joined(tokens)}; }

void read_letters(Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += bytes_of_letters(token);
  tokens = {mended_utf8(bytes)};
}

// The byte of a piece like <0x0A>. Like Rust's number parser, accepts a plus sign in place of the first digit.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  const char* begin = token.data() + (token[3] == '+' ? 4 : 3);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(begin, token.data() + 5, value, 16);
  return error == std::errc() && end == token.data() + 5 ? std::optional(static_cast<char>(value)) : std::nullopt;
}

// Joins runs of byte pieces to text, or to one U+FFFD per piece if they are not valid UTF-8.
void read_bytes(Tokens& tokens) {
  Tokens texts;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (first_invalid_utf8(bytes)) {
      texts.insert(texts.end(), bytes.size(), "\uFFFD");
    } else {
      texts.push_back(bytes);
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      bytes += *byte;
    } else {
      flush();
      texts.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(texts);
}

std::string replaced(std::string_view text, const std::vector<TextRange>& found, std::string_view content) {
  std::string out;
  std::size_t end = 0;
  for (const TextRange& match : found) {
    out.append(text.substr(end, match.begin - end)).append(content);
    end = match.end;
  }
  return out.append(text.substr(end));
}

// Removes the space of the first token, which the tokenizer had added before the text.
void read_spaces(const Metaspace& metaspace, Tokens& tokens) {
  std::vector<TextRange> found;
  const Finder finder = finder_of_text(metaspace.replacement);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    finder(tokens[i], found);
    const bool drop = i == 0 && metaspace.prepend != Metaspace::Prepend::never;
    tokens[i] = replaced(tokens[i], found, drop ? "" : " ");
  }
}

void strip(std::string_view content, std::int64_t start, std::int64_t stop, Tokens& tokens) {
  for (std::string& token : tokens) {
    std::string_view rest = token;
    for (std::int64_t i = 0; i < start && rest.starts_with(content); ++i) rest.remove_prefix(content.size());
    for (std::int64_t i = 0; i < stop && rest.ends_with(content); ++i) rest.remove_suffix(content.size());
    token = std::string(rest);
  }
}

void add_steps(const JsonReader& node, Decoder& steps);

void add_sequence(const JsonReader& node, Decoder& steps) {
  const JsonReader parts = node.at("decoders");
  for (std::size_t i = 0; i < parts.list().size(); ++i) add_steps(parts.item(i), steps);
}

void add_byte_level(const JsonReader& node, Decoder& steps) {
  for (const char* key : {"add_prefix_space", "trim_offsets", "use_regex"}) node.boolean_or(key, true);
  steps.push_back(read_letters);
}

void add_replace(const JsonReader& node, Decoder& steps) {
  const Finder finder = read_pattern(node.at("pattern"));
  steps.push_back([finder, content = node.at("content").string()](Tokens& tokens) {
    std::vector<TextRange> found;
    for (std::string& token : tokens) {
      finder(token, found);
      if (!found.empty()) token = replaced(token, found, content);
    }
  });
}

void add_strip(const JsonReader& node, Decoder& steps) {
  std::string content;
  append_utf8(content, character_of(node.at("content")));
  const std::int64_t start = node.at("start").integer(0, 1 << 20), stop = node.at("stop").integer(0, 1 << 20);
  steps.push_back([=](Tokens& tokens) { strip(content, start, stop, tokens); });
}

void add_steps(const JsonReader& node, Decoder& steps) {
  const std::string& type = node.at("type").string();
  if (type == "Sequence") return add_sequence(node, steps);
  if (type == "ByteLevel") return add_byte_level(node, steps);
  if (type == "Replace") return add_replace(node, steps);
  if (type == "Strip") return add_strip(node, steps);
  if (type == "Metaspace")
    return steps.push_back([metaspace = read_metaspace(node)](Tokens& tokens) { read_spaces(metaspace, tokens); });
  if (type != "ByteFallback" && type != "Fuse")
    node.at("type").fail("a supported decoder (ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, Sequence)");
  steps.push_back(type == "Fuse" ? fuse : read_bytes);
}

}  // namespace

Decoder read_decoder(const JsonReader& node) {
  Decoder steps;
  add_steps(node, steps);
  return steps;
}

}  // namespace rlhf::hf
