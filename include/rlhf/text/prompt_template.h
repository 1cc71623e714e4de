#pragma once

#include <string>
#include <string_view>

namespace rlhf {

/// Where prompt and completion stand in the text a model sees, e.g. "Q: {prompt}\nA: {completion}".
/// The seam is where {completion} begins: what stands before it is prompt, what stands after it (rarely anything)
/// belongs to the completion.
class PromptTemplate {
 public:
  PromptTemplate() = default;
  /// Throws ConfigError unless the text holds {prompt} and {completion} once each, in that order.
  explicit PromptTemplate(std::string text);
  const std::string& text() const { return text_; }
  std::string prompt(std::string_view prompt) const;          ///< everything before the seam
  std::string completion(std::string_view completion) const;  ///< everything from the seam on

 private:
  std::string text_ = "{prompt}{completion}";
};

}  // namespace rlhf
