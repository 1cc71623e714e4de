#pragma once

#include <cstddef>
#include <string>

#include "rlhf/jinja/error.h"

namespace rlhf::jinja {

// What a template may use up. Templates of known models stay below a hundredth of it.
constexpr std::size_t kMaxSource = 1 << 20;    // bytes of a template
constexpr int kMaxNesting = 100;               // blocks and brackets inside each other
constexpr int kMaxHeight = 400;                // of the tree of an expression: bounds chains as a + b + c + …
constexpr std::size_t kMaxArguments = 1000;    // of a call, parameters of a macro
constexpr std::size_t kMaxText = 16 << 20;     // bytes of any one text, the output among them
constexpr std::size_t kMaxMade = 512 << 20;    // bytes of all texts and lists that a rendering makes
constexpr std::size_t kMaxSteps = 20'000'000;  // evaluated nodes, and as many as 64 bytes that are looked at
constexpr int kMaxEvaluation = 1000;           // evaluations inside each other, through macros too
constexpr int kMaxValueDepth = 100;            // lists and mappings inside each other
constexpr std::size_t kMaxRange = 100'000;     // numbers of a range(), as in Jinja2's sandbox

/// Counts what one rendering uses up, and stops it.
class Budget {
 public:
  void step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ > kMaxSteps) stop("more than 20 million steps");
  }
  /// So many bytes are about to be looked at.
  void look_at(std::size_t bytes) { step(1 + bytes / 64); }
  /// A text or a list of so many bytes is about to be made.
  void make(std::size_t bytes) {
    if (bytes > kMaxText) stop("a text or list of more than 16 MiB");
    made_ += bytes;
    if (made_ > kMaxMade) stop("more than 512 MiB of texts and lists in all");
    look_at(bytes);
  }
  [[noreturn]] static void stop(const std::string& what) {
    throw TemplateError(TemplateError::Kind::limit, what + ", which is over the limit for a template");
  }

 private:
  std::size_t steps_ = 0, made_ = 0;
};

}  // namespace rlhf::jinja
