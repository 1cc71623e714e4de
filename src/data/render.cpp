// Turns records into texts by their templates, and tokenises the texts.
#include "data/render.h"

#include <algorithm>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

ChatOptions options_of(const Conversation& chat, const Templates& templates, bool add_generation_prompt) {
  ChatOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.tools = chat.tools;
  options.variables = chat.template_kwargs;
  options.now = templates.now;
  return options;
}

std::string without_space_at_end(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text;
}

/// A few characters of `text` from byte `at` on, quoted on one line.
std::string excerpt(const std::string& text, std::size_t at) {
  if (at >= text.size()) return "the end of the text";
  return Json(shortened(std::string_view(text).substr(at), 40)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

JoinedText finished(JoinedText text, const Tokenizer& tokenizer, const Templates& templates) {
  end_at_stop(text, templates.stop_ids, tokenizer);
  return text;
}

/// Renders and tokenises a conversation; everything after the rendered prompt `before` is the completion.
JoinedText tokenise_after(const Conversation& chat, const std::string& before, const Json& whole,
                          const Tokenizer& tokenizer, const Templates& templates) {
  const std::string text = without_space_at_end(
      templates.chat_template().render(whole, options_of(chat, templates, /*add_generation_prompt=*/false)));
  if (!text.starts_with(before)) {
    const auto part = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    throw DataError("expected the rendered conversation to begin with its rendered prompt, found " +
                    excerpt(text, part) + " instead of " + excerpt(before, part) + " at byte " +
                    std::to_string(part + 1) + "; hint: the chat template renders a prompt differently when a " +
                    "response follows; set data.chat_template to another one");
  }
  return finished(tokenise_rendered(text, {{before.size(), text.size()}}, tokenizer), tokenizer, templates);
}

Json first_turns(const Json& messages, std::size_t count) {
  Json part = Json::array();
  for (std::size_t i = 0; i < count; ++i) part.push_back(messages[i]);
  return part;
}

/// Renders and tokenises a conversation in which every assistant turn is trained.
JoinedText tokenise_turns(const Conversation& chat, const Tokenizer& tokenizer, const Templates& templates) {
  ChatText rendered = templates.chat_template().render_with_spans(chat.messages, options_of(chat, templates, false));
  const std::string text = without_space_at_end(std::move(rendered.text));
  for (ByteSpan& answer : rendered.assistant) {
    answer.begin = std::min(answer.begin, text.size());
    answer.end = std::min(answer.end, text.size());
  }
  JoinedText joined = finished(tokenise_rendered(text, rendered.assistant, tokenizer), tokenizer, templates);
  joined.verified = rendered.verified;
  return joined;
}

JoinedText tokenise_chat(const Demonstration& record, const Tokenizer& tokenizer, const Templates& templates,
                         TrainOn train_on) {
  const Json& messages = record.chat.messages;
  if (train_on == TrainOn::all) {  // no boundaries are needed
    const std::string text =
        without_space_at_end(templates.chat_template().render(messages, options_of(record.chat, templates, false)));
    return finished(tokenise_rendered(text, {{0, text.size()}}, tokenizer), tokenizer, templates);
  }
  const bool last_turn = train_on == TrainOn::last_turn;
  if (!last_turn && record.prompt_turns == 0) return tokenise_turns(record.chat, tokenizer, templates);
  const std::size_t prompt_turns = last_turn ? messages.size() - 1 : record.prompt_turns;
  const std::string before = render_prompt(record.chat, first_turns(messages, prompt_turns), templates);
  return tokenise_after(record.chat, before, messages, tokenizer, templates);
}

Json joined(const Json& prompt, const Json& turns) {
  Json whole = prompt;
  for (const Json& turn : turns) whole.push_back(turn);
  return whole;
}

}  // namespace

std::string render_prompt(const Conversation& chat, const Json& messages, const Templates& templates) {
  return templates.chat_template().render(messages, options_of(chat, templates, /*add_generation_prompt=*/true));
}

std::vector<JoinedText> tokenise(const Demonstration& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn train_on) {
  if (record.chat) return {tokenise_chat(record, tokenizer, templates, train_on)};
  // A {"text"} record has no prompt, and no template applies to it.
  if (record.whole) return {tokenise_joined("", record.completion, tokenizer)};
  return {tokenise_joined(templates.prompt.prompt(record.prompt), templates.prompt.completion(record.completion),
                          tokenizer)};
}

std::vector<JoinedText> tokenise(const Preference& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn) {
  const std::string before = record.chat ? render_prompt(record.chat, record.chat.messages, templates) : "";
  std::vector<JoinedText> texts;
  for (const Answer& answer : record.answers)
    texts.push_back(record.chat ? tokenise_after(record.chat, before, joined(record.chat.messages, answer.turns),
                                                 tokenizer, templates)
                                : tokenise_joined(templates.prompt.prompt(record.prompt),
                                                  templates.prompt.completion(answer.text), tokenizer));
  return texts;
}

}  // namespace rlhf
