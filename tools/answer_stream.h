#pragma once

#include <ostream>
#include <string>

#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// Prints an answer while it grows; bytes of a character that is not complete yet wait for the rest.
class AnswerStream {
 public:
  AnswerStream(const Tokenizer& tokenizer, std::ostream& out) : tokenizer_(tokenizer), out_(out) {}
  void add(std::int32_t token) {
    ids_.push_back(token);
    const std::string text = tokenizer_.decode(ids_);
    if (text.ends_with("\uFFFD") || text.size() <= printed_) return;
    out_ << text.substr(printed_) << std::flush;
    printed_ = text.size();
  }

 private:
  const Tokenizer& tokenizer_;
  std::ostream& out_;
  TokenIds ids_;
  std::size_t printed_ = 0;
};

}  // namespace rlhf
