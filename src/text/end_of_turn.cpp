// Finds the token that ends a turn of the assistant.
#include "rlhf/text/end_of_turn.h"

#include <string_view>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr std::string_view kAnswer = "The answer is twenty four";  // no template writes it

Json turn(const char* role, const Json& content) { return {{"role", role}, {"content", content}}; }

/// The text of a conversation that ends with the answer, or "" if the template takes none of these conversations.
std::string render_answer(const ChatTemplate& chat_template) {
  const Json answer = kAnswer, parts = {{{"type", "text"}, {"text", kAnswer}}};
  const Json user = turn("user", "Hello"), system = turn("system", "Answer.");
  for (const Json& messages : {Json{user, turn("assistant", answer)}, Json{system, user, turn("assistant", answer)},
                               Json{user, turn("assistant", parts)}}) {
    try {
      std::string text = chat_template.render(messages);
      if (text.find(kAnswer) != std::string::npos) return text;
    } catch (const Error&) {  // a template may require or refuse a role
    }
  }
  return "";
}

/// Whether a token stands for a mark in texts: a special token, or one that is written like "<|end|>" or "[END]", and
/// so in `covered`, the part of the text that it covers. (The piece "<0x7C>" covers "|".) The unknown token covers any
/// text.
bool is_mark(const Tokenizer& tokenizer, std::int32_t id, std::string_view covered) {
  if (id == tokenizer.unknown_id()) return false;
  if (is_special(tokenizer, id)) return true;
  const std::string piece = tokenizer.piece(id);
  return piece.size() > 2 && covered.find(piece) != covered.npos &&
         ((piece.front() == '<' && piece.back() == '>') || (piece.front() == '[' && piece.back() == ']'));
}

std::string without_space_around(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? "" : std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

}  // namespace

bool is_special(const Tokenizer& tokenizer, std::int32_t id) { return tokenizer.decode({id, id}).empty(); }

EndOfTurn find_end_of_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer) {
  const std::string text = render_answer(chat_template);
  if (text.empty()) return {};
  const std::size_t end_of_answer = text.rfind(kAnswer) + kAnswer.size();
  const Encoding encoding = tokenizer.encode(text, Bos::none);
  for (std::size_t i = 1; i < encoding.ids.size(); ++i) {
    const auto begin = static_cast<std::size_t>(encoding.ends[i - 1]), end = static_cast<std::size_t>(encoding.ends[i]);
    const std::string_view covered = std::string_view(text).substr(begin, end - begin);
    if (begin >= end_of_answer && is_mark(tokenizer, encoding.ids[i], covered)) return {encoding.ids[i], ""};
  }
  return {std::nullopt, without_space_around(std::string_view(text).substr(end_of_answer))};
}

}  // namespace rlhf
