// Chat templates: the variables that a template sees, and the spans of the assistant's turns.
#include "rlhf/text/chat_template.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <string_view>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"
#include "rlhf/jinja/template.h"

namespace rlhf {
namespace {

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  return shortened(text, 600);
}

std::string place(const std::string& where, const jinja::TemplateError& error) {
  std::string text = where;
  if (error.line() > 0) text += ":" + std::to_string(error.line());
  if (error.column() > 0) text += ":" + std::to_string(error.column());
  return text + ": " + one_line(error.what());
}

// Like transformers, gives the template a message's reasoning under both of its names.
Json with_reasoning_names(const Json& message) {
  static constexpr const char* kNames[] = {"reasoning_content", "thinking", "reasoning"};
  for (const char* name : kNames) {
    const auto found = message.find(name);
    if (found == message.end()) continue;
    Json named = {{"thinking", *found}};
    named.update(message);
    named["reasoning_content"] = *found;
    return named;
  }
  return message;
}

// Like transformers (from version 5.24 on), drops the members of a message that are null: many templates handle a
// missing key, but print null as None.
Json without_nulls(const Json& message) {
  Json kept = Json::object();
  for (const auto& [key, value] : message.items())
    if (!value.is_null()) kept[key] = value;
  return kept;
}

Json checked_messages(const Json& messages) {
  if (!messages.is_array()) jinja::fail("expected a list of messages, found " + std::string(messages.type_name()));
  Json checked = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object())
      jinja::fail("message " + std::to_string(checked.size() + 1) + ": expected an object, found " +
                  message.type_name());
    checked.push_back(with_reasoning_names(without_nulls(message)));
  }
  return checked;
}

std::vector<ByteSpan> spans_of(const jinja::Rendering& rendering) {
  std::vector<ByteSpan> spans;
  for (const auto& [begin, end] : rendering.generations) spans.push_back({begin, end});
  return spans;
}

Json checked_object(const Json& value, const char* name) {
  if (value.is_null()) return Json::object();
  if (!value.is_object()) jinja::fail(std::string(name) + ": expected an object, found " + value.type_name());
  return value;
}

Json first_messages(const Json& messages, std::size_t count) {
  return Json(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
}

bool is_assistant(const Json& message) {
  const auto role = message.is_object() ? message.find("role") : message.end();
  return message.is_object() && role != message.end() && *role == "assistant";
}

std::vector<std::size_t> assistant_turns(const Json& messages) {
  std::vector<std::size_t> turns;
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (is_assistant(messages[i])) turns.push_back(i);
  return turns;
}

}  // namespace

struct ChatTemplate::Compiled {
  std::string source, where;
  Json special_tokens;
  jinja::Template code;

  jinja::Rendering render(const Json& messages, const ChatOptions& options) const {
    try {
      Json names = {{"documents", nullptr}};
      names.update(checked_object(options.variables, "variables"));
      names["messages"] = checked_messages(messages);
      names["tools"] = options.tools;
      names["add_generation_prompt"] = options.add_generation_prompt;
      return code.render(names, options.now.value_or(wall_clock()));
    } catch (const jinja::TemplateError& error) {
      const std::string what = "rendering chat template " + place(where, error);
      if (error.kind() == jinja::TemplateError::Kind::limit) throw ModelError(what);
      throw DataError(what);
    } catch (const std::bad_alloc&) {
      throw ModelError("rendering chat template " + where + ": out of memory");
    }
  }

  std::string prompt_before(const Json& messages, std::size_t turn, ChatOptions options) const {
    options.add_generation_prompt = true;
    return render(first_messages(messages, turn), options).text;
  }

  // Computes ChatText::verified for spans of {% generation %} blocks.
  bool begins_with_prompts(const jinja::Rendering& whole, const Json& messages, const ChatOptions& options) const {
    const std::vector<std::size_t> turns = assistant_turns(messages);
    if (turns.size() != whole.generations.size()) return false;
    try {
      for (std::size_t i = 0; i < turns.size(); ++i) {
        const std::string prompt = prompt_before(messages, turns[i], options);
        if (prompt.size() != whole.generations[i].first || !whole.text.starts_with(prompt)) return false;
      }
    } catch (const Error&) {
      return false;  // a template may refuse an incomplete conversation
    }
    return true;
  }

  /// Removes an EOS that a template appends to every text, whatever its last turn: it is not a prefix of longer texts.
  std::string without_eos_at_end(std::string text) const {
    const auto token = special_tokens.find("eos_token");
    if (token == special_tokens.end() || !token->is_string()) return text;
    const auto& eos = token->get_ref<const std::string&>();
    const std::size_t end = text.find_last_not_of(" \t\r\n") + 1;  // 0 if there is only white space
    if (!eos.empty() && std::string_view(text).substr(0, end).ends_with(eos)) text.resize(end - eos.size());
    return text;
  }

  [[noreturn]] void refuse_turn(std::size_t turn, const std::string& why) const {
    throw DataError(
        "finding the assistant's turns: chat template " + where + ": message " + std::to_string(turn + 1) + ": " + why +
        "; hint: train every turn as a sample of its own (data.train_on: each_turn) or only the last one (last_turn), "
        "or use a template with {% generation %} blocks (data.chat_template)");
  }

  std::vector<ByteSpan> spans_by_prefixes(const std::string& whole, const Json& messages, ChatOptions options) const {
    options.add_generation_prompt = false;
    std::vector<ByteSpan> spans;
    for (const std::size_t turn : assistant_turns(messages)) {
      const std::string before = prompt_before(messages, turn, options);
      std::string with = render(first_messages(messages, turn + 1), options).text;
      if (!with.starts_with(before))
        refuse_turn(turn, "expected the turn to begin with the generation prompt, found another text");
      if (!whole.starts_with(with)) with = without_eos_at_end(std::move(with));
      if (!whole.starts_with(with) || with.size() < before.size())
        refuse_turn(turn,
                    "expected the text up to this turn to be the same in the whole conversation, found a change (the "
                    "template rewrites earlier turns)");
      if (before.size() < (spans.empty() ? 0 : spans.back().end))
        refuse_turn(turn, "expected the turn to begin after the assistant's turn before it, found an overlap");
      spans.push_back({before.size(), with.size()});
    }
    return spans;
  }
};

ChatTemplate::ChatTemplate(std::string source, Json special_tokens, std::string where) {
  try {
    Json tokens = checked_object(special_tokens, "special tokens");
    jinja::Template code(source, tokens);
    compiled_ =
        std::make_shared<Compiled>(Compiled{std::move(source), std::move(where), std::move(tokens), std::move(code)});
  } catch (const jinja::TemplateError& error) {
    throw ModelError("compiling chat template " + place(where, error));
  }
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::int64_t wall_clock() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return seconds;
  return timegm(&local);
}

std::string ChatTemplate::clock_text(std::int64_t now) const {
  try {
    return compiled_->code.clock_text(now);
  } catch (const jinja::TemplateError&) {
    return std::to_string(now);  // a format that fails when it is rendered
  }
}

const std::string& ChatTemplate::source() const { return compiled_->source; }

std::string ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  return compiled_->render(messages, options).text;
}

ChatText ChatTemplate::render_with_spans(const Json& messages, const ChatOptions& given) const {
  ChatOptions options = given;
  if (!options.now) options.now = wall_clock();  // the same time for all texts that are compared
  jinja::Rendering whole = compiled_->render(messages, options);
  if (whole.misplaced_generation)
    throw DataError(
        "finding the assistant's turns: chat template " + compiled_->where +
        ": a {% generation %} block is inside a macro or a block whose text is captured, so its position in "
        "the output is unknown");
  if (compiled_->code.marks_generation()) {
    const bool verified = compiled_->begins_with_prompts(whole, messages, options);
    return {std::move(whole.text), spans_of(whole), verified};
  }
  std::vector<ByteSpan> spans = compiled_->spans_by_prefixes(whole.text, messages, options);
  return {std::move(whole.text), std::move(spans), true};
}

}  // namespace rlhf
