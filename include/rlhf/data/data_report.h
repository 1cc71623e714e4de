#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rlhf {

/// What became of the records: said at the start of a run and by --dry-run.
struct DataReport {
  std::string kind;  ///< "preference records of messages"; empty where nobody said
  std::int64_t records = 0, samples = 0;
  std::int64_t dropped_over_length = 0, dropped_short = 0, truncated = 0, dropped_without_label = 0;
  std::int64_t dropped_refused = 0;   ///< by the chat template or the tokenizer, as data.max_bad_lines allows
  std::int64_t dropped_equal = 0;     ///< pairs and rankings whose texts, or their ranks, are all equal
  std::int64_t answers_left_out = 0;  ///< answers of rankings that are in no pair; the others are kept
  std::int64_t straddling = 0;
  std::int64_t unverified = 0;  ///< conversations whose answers do not begin where the prompt to write them ends
  std::int64_t endless = 0;     ///< samples, not cut, without a token at their end that ends an answer
  std::int64_t duplicates = 0;  ///< samples that equal an earlier one; they are kept
  std::int64_t left_out = 0;    ///< records that a weight below 1 left out
  std::int64_t repeated = 0;    ///< samples that a weight above 1 added
  std::int64_t tokens = 0, longest = 0;    ///< of what was kept
  std::int64_t trained_tokens = 0;         ///< labels of demonstrations; pairs and prompts have none
  std::array<std::int64_t, 32> lengths{};  ///< texts of 2^i to 2^(i+1) - 1 tokens

  void count_text(std::size_t tokens_of_text);  ///< a text that was kept
  std::string summary() const;                  ///< one line
  /// The summary, what was found beside it, and the lengths as bars; a line each.
  std::vector<std::string> lines() const;
};

}  // namespace rlhf
