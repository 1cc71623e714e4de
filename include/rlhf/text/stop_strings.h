#pragma once

#include <string>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Ends responses at given texts (rollout.stop of rlhf-ppo, --stop of rlhf-generate). Keeps a reference to the
/// tokenizer.
class StopStrings {
 public:
  StopStrings(const Tokenizer& tokenizer, std::vector<std::string> texts);
  bool empty() const { return texts_.empty(); }
  /// Whether the last token of a response completed one of the texts.
  bool reached(const TokenIds& answer) const;
  /// The part of a growing text that can be printed: it ends before a stop string, or before a possible start of one.
  std::string settled(std::string text) const;
  /// `text` up to the first stop string.
  std::string cut(std::string text) const;

 private:
  const Tokenizer& tokenizer_;
  std::vector<std::string> texts_;
  TokenIds before_;  ///< of a letter: a response continues a text, so a space at its start counts
  std::size_t longest_ = 0;
};

}  // namespace rlhf
