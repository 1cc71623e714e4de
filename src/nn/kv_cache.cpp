// The KV cache.
#include "rlhf/nn/kv_cache.h"

#include <ATen/ops/zeros.h>

#include "rlhf/core/check.h"

namespace rlhf {

KvCache::KvCache(std::int64_t layers, std::int64_t rows, std::int64_t num_key_value_heads, std::int64_t capacity,
                 std::int64_t head_dim, at::TensorOptions options)
    : rows_(rows), capacity_(capacity) {
  // Zeros instead of uninitialised memory: masked positions have weight 0, and 0 times NaN is NaN.
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    keys_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
    values_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
  }
}

void KvCache::add(std::span<const std::int64_t> lengths) {
  RLHF_CHECK(active() + static_cast<std::int64_t>(lengths.size()) <= rows_);
  lengths_.insert(lengths_.end(), lengths.begin(), lengths.end());
}

void KvCache::fork(std::int64_t row) {
  RLHF_CHECK(row >= 0 && row < active() && active() < rows_, "row ", row, " of ", active());
  copy_row(row, active());
  lengths_.push_back(lengths_[row]);
}

void KvCache::advance() {
  for (std::int64_t& length : lengths_) ++length;
}

void KvCache::drop(std::int64_t row) {
  RLHF_CHECK(row >= 0 && row < active(), "row ", row, " of ", active());
  const std::int64_t last = active() - 1;
  if (row != last) {
    copy_row(last, row);
    lengths_[row] = lengths_[last];
  }
  lengths_.pop_back();
}

void KvCache::copy_row(std::int64_t from, std::int64_t to) {
  const auto copy = [&](at::Tensor& cache) {
    cache.select(0, to).narrow(1, 0, lengths_[from]).copy_(cache.select(0, from).narrow(1, 0, lengths_[from]));
  };
  for (at::Tensor& keys : keys_) copy(keys);
  for (at::Tensor& values : values_) copy(values);
}

}  // namespace rlhf
