#pragma once

#include <iostream>
#include <string>
#include <unistd.h>

#include "rlhf/core/message.h"
#include "rlhf/core/utf8.h"
#include "rlhf/text/stop_strings.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Whether `out` is stdout and stdout is a terminal. What a model wrote goes there only as terminal_text().
inline bool is_terminal(const std::ostream& out) { return &out == &std::cout && isatty(STDOUT_FILENO) == 1; }

/// Prints a response while it is generated, up to a stop string. Holds back the bytes of an incomplete character.
class AnswerStream {
 public:
  AnswerStream(const Tokenizer& tokenizer, const StopStrings& stop, const TokenIds& prompt, std::ostream& out)
      : tokenizer_(tokenizer), stop_(stop), prompt_(prompt), out_(out), terminal_(is_terminal(out)) {}
  void add(std::int32_t token) {
    ids_.push_back(token);
    const std::string text = decode_after(tokenizer_, prompt_, ids_);
    if (!text.ends_with("\uFFFD")) print(without_part(stop_.settled(text)));
  }
  /// Prints what was held back.
  void finish() { print(stop_.cut(decode_after(tokenizer_, prompt_, ids_))); }

 private:
  /// `text` without the first bytes of a character at its end.
  static std::string without_part(std::string text) {
    constexpr std::size_t kLongest = 4;
    const auto bad = first_invalid_utf8(text);
    if (bad && text.size() - *bad < kLongest) text.resize(*bad);
    return text;
  }
  void print(const std::string& text) {
    if (text.size() <= printed_) return;
    const std::string more = text.substr(printed_);
    out_ << (terminal_ ? terminal_text(more) : more) << std::flush;
    printed_ = text.size();
  }

  const Tokenizer& tokenizer_;
  const StopStrings& stop_;
  const TokenIds& prompt_;
  std::ostream& out_;
  bool terminal_;
  TokenIds ids_;
  std::size_t printed_ = 0;
};

}  // namespace rlhf
