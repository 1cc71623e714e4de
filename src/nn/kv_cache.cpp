#include "rlhf/nn/kv_cache.h"

#include <ATen/ops/zeros.h>

#include "rlhf/core/check.h"

namespace rlhf {

KvCache::KvCache(std::int64_t layers, std::int64_t rows, std::int64_t num_key_value_heads, std::int64_t capacity,
                 std::int64_t head_dim, at::TensorOptions options)
    : rows_(rows), capacity_(capacity) {
  // Zeros, not empty: a masked position is multiplied by a weight of 0, and 0 times a stray NaN is NaN.
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    keys_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
    values_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
  }
}

void KvCache::start(std::span<const std::int64_t> lengths) {
  RLHF_CHECK(static_cast<std::int64_t>(lengths.size()) <= rows_);
  lengths_.assign(lengths.begin(), lengths.end());
}

void KvCache::advance() {
  for (std::int64_t& length : lengths_) ++length;
}

void KvCache::drop(std::int64_t row) {
  RLHF_CHECK(row >= 0 && row < active(), "row ", row, " of ", active());
  const std::int64_t last = active() - 1;
  if (row != last) {
    const auto move_last_to_row = [&](at::Tensor& cache) {
      const std::int64_t length = lengths_[last];
      cache.select(0, row).narrow(1, 0, length).copy_(cache.select(0, last).narrow(1, 0, length));
    };
    for (at::Tensor& keys : keys_) move_last_to_row(keys);
    for (at::Tensor& values : values_) move_last_to_row(values);
    lengths_[row] = lengths_[last];
  }
  lengths_.pop_back();
}

}  // namespace rlhf
