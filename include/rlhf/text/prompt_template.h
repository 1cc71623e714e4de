#pragma once

#include <string>
#include <string_view>

namespace rlhf {

/// The text around prompt and completion, for example "Q: {prompt}\nA: {completion}". The boundary is where
/// {completion} begins: all text before it belongs to the prompt, all text after it to the completion.
class PromptTemplate {
 public:
  PromptTemplate() = default;
  /// Throws ConfigError unless the text contains {prompt} and {completion} once each, in this order.
  explicit PromptTemplate(std::string text);
  /// The template of an option, in which \n is a line break, \t a tab and \\ a backslash, because shells and unquoted
  /// YAML pass them on as two characters. Throws ConfigError.
  static PromptTemplate of_option(std::string_view text);
  const std::string& text() const { return text_; }
  std::string prompt(std::string_view prompt) const;          ///< the text before the boundary
  std::string completion(std::string_view completion) const;  ///< the text after the boundary

 private:
  std::string text_ = "{prompt}{completion}";
};

}  // namespace rlhf
