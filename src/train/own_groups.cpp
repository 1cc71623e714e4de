// What passes cost, by which they are dealt out to ranks.
#include "own_groups.h"

#include <cstddef>

#include "workload.h"

namespace rlhf {

std::vector<double> pass_costs(const PassItems& items, const ModelShape& shape) {
  const double layers = matrix_elements(shape, /*head=*/false), head = matrix_elements(shape, /*head=*/true) - layers,
               attention = static_cast<double>(shape.num_layers * shape.num_heads * shape.head_dim);
  std::vector<double> costs;
  for (std::size_t i = 0; i < items.lengths.size(); ++i) {
    const auto tokens = static_cast<double>(items.lengths[i]);
    const double rows = items.head_rows.empty() ? 0 : static_cast<double>(items.head_rows[i]);
    costs.push_back(layers * tokens + head * rows + attention * tokens * tokens);
  }
  return costs;
}

}  // namespace rlhf
