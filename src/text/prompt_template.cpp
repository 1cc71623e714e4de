// The template of prompt and completion.
#include "rlhf/text/prompt_template.h"

#include <utility>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr std::string_view kPrompt = "{prompt}", kCompletion = "{completion}";

bool holds_once(std::string_view text, std::string_view part) {
  const auto first = text.find(part);
  return first != std::string_view::npos && text.find(part, first + 1) == std::string_view::npos;
}

}  // namespace

PromptTemplate::PromptTemplate(std::string text) : text_(std::move(text)) {
  if (!holds_once(text_, kPrompt) || !holds_once(text_, kCompletion) || text_.find(kPrompt) > text_.find(kCompletion))
    throw ConfigError(
        {"data.template: expected {prompt} and {completion} once each, in this order, found \"" + text_ + "\""});
}

PromptTemplate PromptTemplate::of_option(std::string_view text) {
  std::string meant;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    const char replaced = next == 'n' ? '\n' : next == 't' ? '\t' : next == '\\' ? '\\' : '\0';
    meant += replaced == '\0' ? text[i] : replaced;
    if (replaced != '\0') ++i;
  }
  return PromptTemplate(std::move(meant));
}

std::string PromptTemplate::prompt(std::string_view prompt) const {
  const std::string_view text = text_;
  const auto place = text.find(kPrompt), between = place + kPrompt.size();
  std::string filled(text.substr(0, place));
  return filled.append(prompt).append(text.substr(between, text.find(kCompletion) - between));
}

std::string PromptTemplate::completion(std::string_view completion) const {
  const std::string_view text = text_;
  return std::string(completion).append(text.substr(text.find(kCompletion) + kCompletion.size()));
}

}  // namespace rlhf
