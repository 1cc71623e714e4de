// The summary of the counted work.
// Sums and ratios of work.
#include "rlhf/tensor/work_counters.h"

#include <cstdio>

namespace rlhf {

std::string WorkCounters::summary() const {
  std::string text;
  const auto add = [&](std::int64_t done, std::int64_t asked, const char* what) {
    if (asked == 0) return;
    char ratio[96];
    std::snprintf(ratio, sizeof ratio, "%s%.3f %s", text.empty() ? "" : ", ",
                  static_cast<double>(done) / static_cast<double>(asked), what);
    text += ratio;
  };
  add(processed_tokens, useful_tokens, "processed tokens per useful one");
  add(head_rows, label_rows, "head rows per label");
  add(decode_row_steps, emitted_tokens, "decoded rows per emitted token");
  add(prefill_tokens, prompt_tokens, "prefill tokens per prompt token");
  return text;
}

WorkCounters& WorkCounters::operator+=(const WorkCounters& other) {
  processed_tokens += other.processed_tokens;
  useful_tokens += other.useful_tokens;
  head_rows += other.head_rows;
  label_rows += other.label_rows;
  decode_row_steps += other.decode_row_steps;
  emitted_tokens += other.emitted_tokens;
  prefill_tokens += other.prefill_tokens;
  prompt_tokens += other.prompt_tokens;
  cache_bytes += other.cache_bytes;
  return *this;
}

}  // namespace rlhf
