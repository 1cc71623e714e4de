#pragma once

#include <ostream>
#include <string>

#include "rlhf/core/utf8.h"
#include "rlhf/text/stop_strings.h"
#include "rlhf/text/tokenizer.h"

#include "terminal.h"

namespace rlhf {

/// Prints a response while it is generated, up to a stop string. Holds back the bytes of an incomplete character.
class AnswerStream {
 public:
  AnswerStream(const Tokenizer& tokenizer, const StopStrings& stop, const TokenIds& prompt, std::ostream& out)
      : tokenizer_(tokenizer), stop_(stop), prompt_(prompt), out_(out) {}
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
    out_ << shown_on(out_, text.substr(printed_)) << std::flush;
    printed_ = text.size();
  }

  const Tokenizer& tokenizer_;
  const StopStrings& stop_;
  const TokenIds& prompt_;
  std::ostream& out_;
  TokenIds ids_;
  std::size_t printed_ = 0;
};

}  // namespace rlhf
