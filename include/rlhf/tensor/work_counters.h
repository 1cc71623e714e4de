#pragma once

#include <cstdint>
#include <string>

namespace rlhf {

/// Counts of the work that was done and of the work that was necessary. Their ratios show waste (padding, unused
/// logits, finished rows that are still decoded) without timing.
struct WorkCounters {
  std::int64_t processed_tokens = 0;  ///< rows that went through the layers of a decoder, without decode steps
  std::int64_t useful_tokens = 0;     ///< tokens of the sequences that a step had to process
  std::int64_t head_rows = 0;         ///< rows of logits that were computed for log-probabilities
  std::int64_t label_rows = 0;        ///< log-probabilities that a step needed
  std::int64_t decode_row_steps = 0;  ///< rows of decode steps (one token per row)
  std::int64_t emitted_tokens = 0;    ///< sampled tokens
  std::int64_t prefill_tokens = 0;    ///< prompt tokens that went through the model before sampling
  std::int64_t prompt_tokens = 0;     ///< tokens of the distinct prompts
  std::int64_t cache_bytes = 0;       ///< bytes written to the KV cache by decode steps

  WorkCounters& operator+=(const WorkCounters& other);
  /// "0.87 processed tokens per useful one, 1.00 head rows per label, …": the ratios whose divisor is not 0.
  std::string summary() const;
};

}  // namespace rlhf
