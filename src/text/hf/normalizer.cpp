// The normalizers of a tokenizer.json.
#include "text/hf/normalizer.h"

#include <string>
#include <string_view>
#include <utility>

#include <utf8proc.h>

#include "text/hf/characters.h"
#include "text/hf/pattern.h"
#include "text/hf/unicode_forms.h"

namespace rlhf::hf {
namespace {

void prepend(const std::string& front, AlignedText& text) {
  if (text.size() == 0) return;
  const std::int32_t begin = text.origin(0).begin;
  AlignedText to = text.successor();
  to.append(front, {begin, begin});
  to.append(text, 0, text.size());
  text = std::move(to);
}

void replace(const Finder& finder, const std::string& content, AlignedText& text) {
  std::vector<TextRange> found;
  finder(text.text(), found);
  if (found.empty()) return;
  AlignedText to = text.successor();
  std::size_t end = 0;
  for (const TextRange& match : found) {
    to.append(text, end, match.begin);
    const std::int32_t before = text.end_before(match.begin), behind = text.end_before(match.end);
    to.append(content, {match.begin == match.end ? before : text.origin(match.begin).begin, behind});
    end = match.end;
  }
  to.append(text, end, text.size());
  text = std::move(to);
}

void strip(bool left, bool right, AlignedText& text) {
  std::size_t begin = 0, end = text.size();
  const auto space_at = [&](std::size_t at) { return is_white_space(character_at(text.text(), at).code); };
  while (left && begin < end && space_at(begin)) begin += character_at(text.text(), begin).bytes;
  while (right && begin < end && space_at(character_begin(text.text(), end - 1)))
    end = character_begin(text.text(), end - 1);
  AlignedText to = text.successor();
  to.append(text, begin, end);
  text = std::move(to);
}

// Lowercases character by character, so a final sigma is not special. One character (U+0130) becomes two.
void lowercase(AlignedText& text) {
  AlignedText to = text.successor();
  std::string lower;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text.text(), at);
    at += character.bytes;
    lower.clear();
    if (character.code == U'\u0130') {
      lower = "i\u0307";
    } else {
      append_utf8(lower, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character.code))));
    }
    to.append(lower, text.origin(at - 1));
  }
  text = std::move(to);
}

void add_form(UnicodeForm form, Normalizer& steps) {
  steps.push_back([form](AlignedText& text) { to_form(form, text); });
}

void add_steps(const JsonReader& node, Normalizer& steps);

void add_sequence(const JsonReader& node, Normalizer& steps) {
  const JsonReader parts = node.at("normalizers");
  for (std::size_t i = 0; i < parts.list().size(); ++i) add_steps(parts.item(i), steps);
}

void add_prepend(const JsonReader& node, Normalizer& steps) {
  steps.push_back([front = node.at("prepend").string()](AlignedText& text) { prepend(front, text); });
}

void add_replace(const JsonReader& node, Normalizer& steps) {
  steps.push_back([finder = read_pattern(node.at("pattern")),
                   content = node.at("content").string()](AlignedText& text) { replace(finder, content, text); });
}

void add_strip(const JsonReader& node, Normalizer& steps) {
  const bool left = node.at("strip_left").boolean(), right = node.at("strip_right").boolean();
  steps.push_back([left, right](AlignedText& text) { strip(left, right, text); });
}

void add_steps(const JsonReader& node, Normalizer& steps) {
  const std::string& type = node.at("type").string();
  if (type == "Sequence") return add_sequence(node, steps);
  if (type == "NFC") return add_form(UnicodeForm::nfc, steps);
  if (type == "NFD") return add_form(UnicodeForm::nfd, steps);
  if (type == "NFKC") return add_form(UnicodeForm::nfkc, steps);
  if (type == "NFKD") return add_form(UnicodeForm::nfkd, steps);
  if (type == "Prepend") return add_prepend(node, steps);
  if (type == "Replace") return add_replace(node, steps);
  if (type == "Strip") return add_strip(node, steps);
  if (type == "Lowercase") return steps.push_back(lowercase);
  node.at("type").fail("a supported normalizer (NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip, Lowercase, Sequence)");
}

}  // namespace

Normalizer read_normalizer(const JsonReader& node) {
  Normalizer steps;
  add_steps(node, steps);
  return steps;
}

}  // namespace rlhf::hf
