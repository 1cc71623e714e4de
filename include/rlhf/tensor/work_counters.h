#pragma once

#include <cstdint>
#include <string>

namespace rlhf {

/// Work that was done, counted where it is done, and work that was needed, counted where it is needed. Their ratios
/// show waste (padding, logits that nobody reads, finished rows that are still decoded) without a clock.
struct WorkCounters {
  std::int64_t processed_tokens = 0;  ///< rows that went through a decoder's layers, other than one by one
  std::int64_t useful_tokens = 0;     ///< tokens of the sequences that a step had to process
  std::int64_t head_rows = 0;         ///< rows of logits that were made for log-probabilities
  std::int64_t label_rows = 0;        ///< log-probabilities that a step had to know
  std::int64_t decode_row_steps = 0;  ///< rows of one-token passes
  std::int64_t emitted_tokens = 0;    ///< tokens that were sampled
  std::int64_t prefill_tokens = 0;    ///< prompt tokens that were computed for sampling
  std::int64_t prompt_tokens = 0;     ///< tokens of the different prompts that were sampled from
  std::int64_t cache_bytes = 0;       ///< written to the KV cache by one-token passes

  WorkCounters& operator+=(const WorkCounters& other);
  /// "0.87 processed tokens per useful one, 1.00 head rows per label, …": the ratios whose divisor is not 0.
  std::string summary() const;
};

}  // namespace rlhf
