// Brings messages into the form that a chat template reads, and finds what it leaves out.
#include "data/chat_form.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

Json text_parts(const std::string& text) { return Json::array({Json{{"type", "text"}, {"text", text}}}); }

/// Whether a user's and an assistant's content of this form are in the rendered text.
bool shows(const ChatTemplate& chat, ContentForm form) {
  const std::string question = "rlhf probe question", answer = "rlhf probe answer";
  const auto content = [&](const std::string& text) {
    return form == ContentForm::parts ? text_parts(text) : Json(text);
  };
  const Json messages = Json::array({Json{{"role", "user"}, {"content", content(question)}},
                                     Json{{"role", "assistant"}, {"content", content(answer)}}});
  try {
    const std::string text = chat.render(messages);
    return text.find(question) != std::string::npos && text.find(answer) != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

Json fitted_content(const Json& content, ContentForm form) {
  if (form == ContentForm::parts) return content.is_string() ? text_parts(content.get<std::string>()) : content;
  if (!content.is_array()) return content;
  std::string text;
  for (const Json& part : content) text += part.at("text").get<std::string>();
  return text;
}

/// The arguments of a call as an object, if they are the JSON text of one.
Json as_object(const Json& arguments) {
  if (!arguments.is_string()) return arguments;
  try {
    Json parsed = parse_json(arguments.get_ref<const std::string&>(), "arguments", throw_as<DataError>);
    return parsed.is_object() ? parsed : arguments;
  } catch (const DataError&) {
    return arguments;
  }
}

/// The object that has the name and the arguments of a call: {"function": {…}}, or the call itself.
Json& function_of(Json& call) {
  return call.contains("function") && call["function"].is_object() ? call["function"] : call;
}

template <typename Message, typename Visit>
void for_each_call(Message& message, const Visit& visit) {
  const auto calls = message.find("tool_calls");
  if (calls != message.end() && calls->is_array()) {
    for (auto& call : *calls)
      if (call.is_object()) visit(function_of(call));
  }
  const auto call = message.find("function_call");
  if (call != message.end() && call->is_object()) visit(*call);
}

/// How messages without content and arguments of calls are given to the template.
struct Variant {
  bool arguments_as_objects = true, empty_content = false;
};
constexpr Variant kVariants[] = {{true, false}, {true, true}, {false, false}, {false, true}};

/// Whether the variants differ for these messages.
bool needs_variants(const Json& messages) {
  return std::ranges::any_of(messages, [](const Json& message) {
    return !message.contains("content") || message.contains("tool_calls") || message.contains("function_call");
  });
}

Json fitted(const Json& messages, ContentForm form, const Variant& variant) {
  Json fitted = messages;
  for (Json& message : fitted) {
    const auto content = message.find("content");
    if (content != message.end()) {
      *content = fitted_content(*content, form);
    } else if (variant.empty_content) {
      message["content"] = "";
    }
    if (variant.arguments_as_objects)
      for_each_call(message, [](Json& function) {
        if (const auto found = function.find("arguments"); found != function.end()) *found = as_object(*found);
      });
  }
  return fitted;
}

/// A text of a message, with its name for the report. Points into the messages, so that it can be replaced.
struct Needle {
  std::size_t message;
  std::string name;
  std::string* text;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

class Needles {
 public:
  Needles(Json& messages, Json& tools) {
    for (std::size_t i = 0; i < messages.size(); ++i) add_message(messages[i], i);
    if (tools.is_array())
      for (Json& tool : tools) add_tool(tool, messages.size());
  }
  std::vector<Needle>& list() { return list_; }

 private:
  /// Adds the texts of a value.
  void add(Json& value, std::size_t message, const std::string& name) {
    if (value.is_string()) {
      auto& text = value.get_ref<std::string&>();
      if (!trimmed(text).empty()) list_.push_back({message, name, &text});
    } else if (value.is_structured()) {
      for (Json& child : value) add(child, message, name);
    }
  }
  void add_tool(Json& tool, std::size_t message) {
    if (!tool.is_object()) return;
    const auto name = function_of(tool).find("name");
    if (name != function_of(tool).end()) add(*name, message, "tools");
  }
  void add_message(Json& message, std::size_t index) {
    for (const char* name : {"reasoning_content", "thinking", "reasoning"})
      if (message.contains(name)) add(message[name], index, "reasoning");
    const std::string role = message.at("role").get<std::string>();
    if ((role == "user" || role == "assistant") && message.contains("name"))
      add(message["name"], index, "name of the role " + role);
    if (const auto content = message.find("content"); content != message.end()) {
      const std::string name = "content of the role " + role;
      if (content->is_array()) {
        for (Json& part : *content) add(part["text"], index, name);
      } else {
        add(*content, index, name);
      }
    }
    for_each_call(message, [&](Json& function) {
      for (const char* key : {"name", "arguments"})
        if (function.contains(key)) add(function[key], index, "tool_calls");
    });
  }

  std::vector<Needle> list_;
};

std::string escaped(std::string_view text, bool ascii) {
  const std::string quoted = Json(text).dump(-1, ' ', ascii, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

/// Whether a text is in the rendered one, as it is or as part of a JSON string.
bool occurs(std::string_view needle, const std::string& rendered) {
  return rendered.find(needle) != std::string::npos || rendered.find(escaped(needle, false)) != std::string::npos ||
         rendered.find(escaped(needle, true)) != std::string::npos;
}

/// Whether all needles occur one after the other.
bool in_order(const std::vector<Needle>& needles, const std::string& rendered) {
  std::size_t from = 0;
  for (const Needle& needle : needles) {
    const std::string_view text = trimmed(*needle.text);
    const auto at = rendered.find(text, from);
    if (at == std::string::npos) return false;
    from = at + text.size();
  }
  return true;
}

/// For each needle whether it is in the text. A text can occur by chance ("7" in "1970"), therefore the conversation is
/// rendered again with a different word in place of each of them.
std::vector<bool> present(const Conversation& chat, const std::string& rendered, const Templates& templates,
                          bool add_generation_prompt) {
  Conversation marked = chat;
  Needles needles(marked.messages, marked.tools);
  std::vector<bool> found;
  for (const Needle& needle : needles.list()) found.push_back(occurs(trimmed(*needle.text), rendered));
  if (in_order(needles.list(), rendered)) return found;
  std::vector<std::string> marks;
  for (Needle& needle : needles.list()) {
    marks.push_back("rlhfmark" + std::to_string(marks.size()) + "x");
    *needle.text = marks.back();
  }
  try {
    const std::string probe =
        templates.chat_template().render(marked.messages, chat_options(marked, templates, add_generation_prompt));
    for (std::size_t i = 0; i < marks.size(); ++i) found[i] = found[i] && probe.find(marks[i]) != std::string::npos;
  } catch (const Error&) {
    // The template refuses the marks; what was found above counts.
  }
  return found;
}

void find_losses(FittedChat& fit, const std::string& rendered, const Templates& templates, bool add_generation_prompt) {
  fit.losses.assign(fit.chat.messages.size(), {});
  Needles needles(fit.chat.messages, fit.chat.tools);
  const std::vector<bool> found = present(fit.chat, rendered, templates, add_generation_prompt);
  for (FittedChat::Loss& loss : fit.losses) {
    loss.blank = true;
    loss.shows = false;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Needle& needle = needles.list()[i];
    if (needle.message == fit.losses.size()) {
      fit.tools_missing |= !found[i];
      continue;
    }
    FittedChat::Loss& loss = fit.losses[needle.message];
    loss.blank = false;
    loss.shows |= found[i];
    if (!found[i] && std::ranges::find(loss.missing, needle.name) == loss.missing.end())
      loss.missing.push_back(needle.name);
  }
  for (FittedChat::Loss& loss : fit.losses) loss.shows |= loss.blank;
}

bool is_complete(const FittedChat& fit) {
  return !fit.tools_missing &&
         std::ranges::all_of(fit.losses, [](const FittedChat::Loss& loss) { return loss.missing.empty(); });
}

}  // namespace

ContentForm content_form(const ChatTemplate& chat) {
  return !shows(chat, ContentForm::text) && shows(chat, ContentForm::parts) ? ContentForm::parts : ContentForm::text;
}

ChatOptions chat_options(const Conversation& chat, const Templates& templates, bool add_generation_prompt) {
  ChatOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.tools = chat.tools;
  options.variables = chat.template_kwargs;
  options.now = templates.now;
  return options;
}

FittedChat fit_chat(const Conversation& chat, ContentForm form, const Templates& templates,
                    bool add_generation_prompt) {
  const ChatTemplate& chat_template = templates.chat_template();
  const std::size_t variants = needs_variants(chat.messages) ? std::size(kVariants) : 1;
  std::optional<FittedChat> first;
  std::optional<DataError> refusal;
  for (std::size_t i = 0; i < variants; ++i) {
    FittedChat fit{.chat = {fitted(chat.messages, form, kVariants[i]), chat.tools, chat.template_kwargs}};
    try {
      const std::string rendered =
          chat_template.render(fit.chat.messages, chat_options(fit.chat, templates, add_generation_prompt));
      find_losses(fit, rendered, templates, add_generation_prompt);
      if (is_complete(fit)) return fit;
      if (!first) first = std::move(fit);
    } catch (const DataError& error) {
      if (!refusal) refusal = error;
    }
  }
  if (!first) throw *refusal;
  return std::move(*first);
}

}  // namespace rlhf
