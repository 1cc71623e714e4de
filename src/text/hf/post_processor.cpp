// The post-processors of a tokenizer.json: the tokens before and after a text.
#include "text/hf/post_processor.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "text/hf/word_model.h"

namespace rlhf::hf {
namespace {

void append_special_token(const JsonReader& piece, const JsonReader& special_tokens, TokenIds& ids) {
  const std::string& name = piece.at("id").string();
  if (!special_tokens.object().contains(name)) piece.at("id").fail("a key of special_tokens");
  const JsonReader token = special_tokens.at(name);
  const JsonReader list = token.at("ids");
  for (std::size_t i = 0; i < list.list().size(); ++i)
    ids.push_back(static_cast<std::int32_t>(list.item(i).integer(0, Vocabulary::kMaxIds - 1)));
}

Frame read_template(const JsonReader& node) {
  const JsonReader single = node.at("single"), special_tokens = node.at("special_tokens");
  Frame frame;
  bool has_text = false;
  for (std::size_t i = 0; i < single.list().size(); ++i) {
    const JsonReader piece = single.item(i);
    piece.allow_only({"SpecialToken", "Sequence"});
    if (const auto token = piece.find("SpecialToken")) {
      append_special_token(*token, special_tokens, has_text ? frame.back : frame.front);
      continue;
    }
    const JsonReader sequence = piece.at("Sequence");
    if (has_text || sequence.at("id").string() != "A") sequence.fail("the text, once");
    has_text = true;
  }
  if (!has_text) single.fail("a Sequence item for the text");
  return frame;
}

}  // namespace

Frame read_post_processor(const JsonReader& node) {
  const std::string& type = node.at("type").string();
  if (type == "TemplateProcessing") return read_template(node);
  if (type == "ByteLevel") {
    return {};
  }
  if (type != "Sequence") node.at("type").fail("a supported post-processor (TemplateProcessing, ByteLevel, Sequence)");
  const JsonReader parts = node.at("processors");
  Frame frame;
  for (std::size_t i = 0; i < parts.list().size(); ++i) {
    const Frame outer = read_post_processor(parts.item(i));
    frame.front.insert(frame.front.begin(), outer.front.begin(), outer.front.end());
    frame.back.insert(frame.back.end(), outer.back.begin(), outer.back.end());
  }
  return frame;
}

}  // namespace rlhf::hf
