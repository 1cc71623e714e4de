#pragma once

#include <string>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Ends answers at given texts.
class StopStrings {
 public:
  StopStrings(const Tokenizer& tokenizer, std::vector<std::string> texts);
  bool empty() const { return texts_.empty(); }
  /// Whether the last token of an answer completed one of the texts.
  bool reached(const TokenIds& answer) const;
  /// What of a growing text can be shown: nothing of them, nor of what may become one.
  std::string settled(std::string text) const;
  /// `text` up to the first of them.
  std::string cut(std::string text) const;

 private:
  const Tokenizer& tokenizer_;
  std::vector<std::string> texts_;
  std::size_t longest_ = 0;
};

}  // namespace rlhf
