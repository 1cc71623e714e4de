// What ranks count, of all of them.
#include "sum_over_ranks.h"

#include <ATen/ops/tensor.h>

namespace rlhf {

void sum_over_ranks(const Ranks& ranks, WorkCounters& work) {
  if (ranks.size() == 1) return;
  std::int64_t* const all[] = {&work.processed_tokens, &work.useful_tokens,    &work.head_rows,
                               &work.label_rows,       &work.decode_row_steps, &work.emitted_tokens,
                               &work.prefill_tokens,   &work.prompt_tokens,    &work.cache_bytes};
  std::vector<std::int64_t> values;
  for (const std::int64_t* value : all) values.push_back(*value);
  const at::Tensor sums = at::tensor(values, at::kLong);
  ranks.sum(sums, "counts of work");
  for (std::size_t i = 0; i < values.size(); ++i) *all[i] = sums.const_data_ptr<std::int64_t>()[i];
}

void sum_over_ranks(const Ranks& ranks, std::optional<double>& figure) {
  if (ranks.size() == 1) return;
  const at::Tensor sums = at::tensor({figure.value_or(0), figure ? 1.0 : 0.0}, at::kDouble);
  ranks.sum(sums, "figures");
  const double* const values = sums.const_data_ptr<double>();
  if (values[1] > 0) figure = values[0];
}

}  // namespace rlhf
