#pragma once

#include <cstddef>
#include <string>

#include "rlhf/jinja/error.h"

namespace rlhf::jinja {

// The limits of a template. Templates of known models need less than a hundredth of each.
constexpr std::size_t kMaxSource = 1 << 20;  // bytes of a template
constexpr int kMaxNesting = 100;             // nested blocks and brackets
constexpr int kMaxHeight = 400;              // height of the tree of an expression: bounds chains like a + b + c + …
constexpr std::size_t kMaxArguments = 1000;  // arguments of a call, parameters of a macro
constexpr std::size_t kMaxText = 16 << 20;   // bytes of one text, also of the output
constexpr std::size_t kMaxMade = 512 << 20;  // bytes of all texts and lists that a rendering creates
constexpr std::size_t kMaxSteps = 20'000'000;  // evaluated nodes; every 64 bytes that are read count as one
constexpr int kMaxEvaluation = 1000;           // nested evaluations, also through macros
constexpr int kMaxValueDepth = 100;            // nested lists and mappings
constexpr std::size_t kMaxRange = 100'000;     // numbers of a range(), as in Jinja2's sandbox

/// Counts the resources that one rendering uses, and stops it at a limit.
class Budget {
 public:
  void step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ > kMaxSteps) stop("more than 20 million steps");
  }
  /// Call before reading this many bytes.
  void look_at(std::size_t bytes) { step(1 + bytes / 64); }
  /// Call before creating a text or a list of this many bytes.
  void make(std::size_t bytes) {
    if (bytes > kMaxText) stop("a text or list of more than 16 MiB");
    made_ += bytes;
    if (made_ > kMaxMade) stop("more than 512 MiB of texts and lists in total");
    look_at(bytes);
  }
  [[noreturn]] static void stop(const std::string& what) {
    throw TemplateError(TemplateError::Kind::limit, what + ", which is over the limit for a template");
  }

 private:
  std::size_t steps_ = 0, made_ = 0;
};

}  // namespace rlhf::jinja
