// Turns records into texts by their templates, and tokenises the texts.
#include "data/render.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kEveryTurn = std::numeric_limits<std::size_t>::max();

std::string without_space_at_end(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

/// A few characters of `text` from byte `at` on, quoted on one line.
std::string excerpt(const std::string& text, std::size_t at) {
  if (at >= text.size()) return "the end of the text";
  return Json(shortened(std::string_view(text).substr(at), 40)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

bool is_assistant(const Json& message) { return message.at("role") == "assistant"; }

Conversation with_messages(const Conversation& chat, Json messages) {
  return {std::move(messages), chat.tools, chat.template_kwargs};
}

Conversation first_turns(const Conversation& chat, std::size_t count) {
  Json part = Json::array();
  for (std::size_t i = 0; i < count; ++i) part.push_back(chat.messages[i]);
  return with_messages(chat, std::move(part));
}

Conversation joined(const Conversation& prompt, const Json& turns) {
  Json whole = prompt.messages;
  for (const Json& turn : turns) whole.push_back(turn);
  return with_messages(prompt, std::move(whole));
}

bool contains(const std::vector<std::size_t>& turns, std::size_t turn) {
  return std::ranges::find(turns, turn) != turns.end();
}

/// Adds the names of what is missing, each once. With `only_turn`, assistant turns before it do not count: they are
/// there as the model will see them, or are trained in a text of their own.
std::vector<std::string> missing_in(const FittedChat& fit, std::size_t only_turn = kEveryTurn) {
  std::vector<std::string> missing;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(missing, name) == missing.end()) missing.push_back(name);
  };
  for (std::size_t i = 0; i < fit.losses.size(); ++i) {
    if (only_turn != kEveryTurn && i != only_turn && is_assistant(fit.chat.messages[i])) continue;
    for (const std::string& name : fit.losses[i].missing) add(name);
  }
  if (fit.tools_missing) add("tools");
  return missing;
}

}  // namespace

Renderer::Renderer(const Tokenizer& tokenizer, const Templates& templates)
    : tokenizer_(tokenizer), templates_(templates) {
  if (templates.chat) form_ = content_form(*templates.chat);
}

std::string Renderer::render_prompt(const Conversation& chat, std::size_t count) const {
  const Conversation prompt = first_turns(chat, count);
  return templates_.chat_template().render(prompt.messages,
                                           chat_options(prompt, templates_, /*add_generation_prompt=*/true));
}

RenderedPrompt Renderer::prompt(const Conversation& chat) const {
  const FittedChat fit = fit_chat(chat, form_, templates_, /*add_generation_prompt=*/true);
  return {render_prompt(fit.chat, fit.chat.messages.size()), missing_in(fit)};
}

JoinedText Renderer::finished(JoinedText text) const {
  end_at_stop(text, templates_.stop_ids, tokenizer_);
  return text;
}

/// Renders and tokenises a conversation; everything after the rendered prompt `before` is the completion.
JoinedText Renderer::tokenise_after(const Conversation& chat, const std::string& before) const {
  const std::string text =
      without_space_at_end(templates_.chat_template().render(chat.messages, chat_options(chat, templates_, false)));
  if (!text.starts_with(before)) {
    const auto part = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    throw DataError("expected the rendered conversation to begin with its rendered prompt, found " +
                    excerpt(text, part) + " instead of " + excerpt(before, part) + " at byte " +
                    std::to_string(part + 1) + "; hint: the chat template renders a prompt differently when a " +
                    "response follows; set data.chat_template to another one");
  }
  return finished(tokenise_rendered(text, {{before.size(), text.size()}}, tokenizer_));
}

/// The spans of the trained assistant turns from message `first` on.
std::vector<ByteSpan> Renderer::spans_of(const ChatText& rendered, const Conversation& chat,
                                         const std::vector<std::size_t>& untrained, std::size_t first) const {
  std::vector<std::size_t> turns;
  for (std::size_t i = 0; i < chat.messages.size(); ++i)
    if (is_assistant(chat.messages[i])) turns.push_back(i);
  if (untrained.empty() && first == 0) return rendered.assistant;
  if (turns.size() != rendered.assistant.size())
    throw DataError(
        "expected one {% generation %} block for each assistant turn, because not all turns are trained, "
        "found " +
        std::to_string(rendered.assistant.size()) + " for " + std::to_string(turns.size()) +
        " turns; hint: set data.chat_template to another one");
  std::vector<ByteSpan> spans;
  for (std::size_t i = 0; i < turns.size(); ++i)
    if (turns[i] >= first && !contains(untrained, turns[i])) spans.push_back(rendered.assistant[i]);
  return spans;
}

/// Renders and tokenises a conversation in which the assistant turns from message `first` on are trained.
JoinedText Renderer::tokenise_turns(const Conversation& chat, const std::vector<std::size_t>& untrained,
                                    std::size_t first) const {
  ChatText rendered =
      templates_.chat_template().render_with_spans(chat.messages, chat_options(chat, templates_, false));
  std::vector<ByteSpan> answers = spans_of(rendered, chat, untrained, first);
  const std::string text = without_space_at_end(std::move(rendered.text));
  for (ByteSpan& answer : answers) {
    answer.begin = std::min(answer.begin, text.size());
    answer.end = std::min(answer.end, text.size());
  }
  JoinedText joined = finished(tokenise_rendered(text, answers, tokenizer_));
  joined.verified = rendered.verified;
  return joined;
}

/// The whole text is trained, but the untrained turns. Without such turns no boundaries are needed.
JoinedText Renderer::tokenise_all(const Conversation& chat, const std::vector<std::size_t>& untrained) const {
  std::vector<ByteSpan> answers;
  std::size_t begin = 0;
  std::string text;
  if (untrained.empty()) {
    text = templates_.chat_template().render(chat.messages, chat_options(chat, templates_, false));
  } else {
    std::vector<std::size_t> trained;
    for (std::size_t i = 0; i < chat.messages.size(); ++i)
      if (is_assistant(chat.messages[i]) && !contains(untrained, i)) trained.push_back(i);
    ChatText rendered =
        templates_.chat_template().render_with_spans(chat.messages, chat_options(chat, templates_, false));
    for (const ByteSpan& turn : spans_of(rendered, chat, trained, 0)) {
      answers.push_back({begin, turn.begin});
      begin = turn.end;
    }
    text = std::move(rendered.text);
  }
  text = without_space_at_end(std::move(text));
  if (begin < text.size()) answers.push_back({begin, text.size()});
  return finished(tokenise_rendered(text, answers, tokenizer_));
}

JoinedText Renderer::tokenise_chat(const Conversation& chat, std::size_t prompt_turns,
                                   const std::vector<std::size_t>& untrained, TrainOn train_on) const {
  if (train_on == TrainOn::all) return tokenise_all(chat, untrained);
  const std::size_t last = chat.messages.size() - 1;
  const bool last_turn = train_on != TrainOn::completion;
  if (!last_turn && prompt_turns == 0) return tokenise_turns(chat, untrained, 0);
  if (!last_turn && !untrained.empty()) return tokenise_turns(chat, untrained, prompt_turns);
  const std::size_t before = last_turn ? last : prompt_turns;
  JoinedText text = tokenise_after(chat, render_prompt(chat, before));
  if (contains(untrained, last)) {
    text.answers.clear();
    text.prompt_length = text.length();
  }
  return text;
}

/// Tokenises a conversation and counts what is lost. With `only_turn` only this turn, the last one, is trained.
JoinedText Renderer::tokenise_fitted(const Demonstration& record, TrainOn train_on, std::size_t only_turn) const {
  const FittedChat fit = fit_chat(record.chat, form_, templates_, /*add_generation_prompt=*/false);
  std::vector<std::size_t> untrained;
  std::int64_t marked = 0, unrendered = 0;
  bool empty = false;
  for (std::size_t i = record.prompt_turns; i < fit.losses.size(); ++i) {
    if (!is_assistant(fit.chat.messages[i]) || (only_turn != kEveryTurn && i != only_turn)) continue;
    const bool is_marked = contains(record.untrained, i), is_lost = !fit.losses[i].shows;
    if (is_marked || is_lost) untrained.push_back(i);
    if (is_marked) ++marked;
    if (is_lost && !is_marked) ++unrendered;
    empty |= !is_marked && fit.losses[i].blank;
  }
  JoinedText text = tokenise_chat(fit.chat, record.prompt_turns, untrained, train_on);
  text.missing = missing_in(fit, only_turn);
  text.untrained = marked;
  text.unrendered = unrendered;
  text.empty_answer = empty;
  return text;
}

JoinedText Renderer::tokenise_plain(const std::string& prompt, const std::string& completion, bool whole) const {
  // A text without a prompt gets no template.
  JoinedText text =
      whole ? tokenise_joined("", completion, tokenizer_)
            : tokenise_joined(templates_.prompt.prompt(prompt), templates_.prompt.completion(completion), tokenizer_);
  text.empty_answer = is_blank(completion);
  return text;
}

std::vector<JoinedText> Renderer::tokenise(const Demonstration& record, TrainOn train_on) const {
  if (!record.chat) return {tokenise_plain(record.prompt, record.completion, record.whole)};
  if (train_on != TrainOn::each_turn) return {tokenise_fitted(record, train_on, kEveryTurn)};
  std::vector<JoinedText> texts;
  for (std::size_t i = record.prompt_turns; i < record.chat.messages.size(); ++i) {
    if (!is_assistant(record.chat.messages[i]) || contains(record.untrained, i)) continue;
    Demonstration turn{.chat = first_turns(record.chat, i + 1)};
    texts.push_back(tokenise_fitted(turn, train_on, i));
  }
  if (!texts.empty()) texts.front().untrained = static_cast<std::int64_t>(record.untrained.size());
  return texts;
}

std::vector<JoinedText> Renderer::tokenise(const Preference& record, TrainOn) const {
  std::vector<JoinedText> texts;
  for (const Answer& answer : record.answers) {
    if (!record.chat) {
      texts.push_back(tokenise_plain(record.prompt, answer.text, record.whole));
      continue;
    }
    const FittedChat fit = fit_chat(joined(record.chat, answer.turns), form_, templates_, false);
    const std::string before = record.whole ? "" : render_prompt(fit.chat, record.chat.messages.size());
    texts.push_back(tokenise_after(fit.chat, before));
    texts.back().missing = missing_in(fit);
  }
  return texts;
}

}  // namespace rlhf
