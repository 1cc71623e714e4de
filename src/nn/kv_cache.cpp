// The KV cache.
#include "rlhf/nn/kv_cache.h"

#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"

namespace rlhf {

KvCache::KvCache(std::int64_t layers, std::int64_t rows, std::int64_t num_key_value_heads, std::int64_t capacity,
                 std::int64_t head_dim, at::TensorOptions options)
    : rows_(rows), capacity_(capacity) {
  const std::pair<const char*, std::int64_t> sizes[] = {{"layers", layers},
                                                        {"rows", rows},
                                                        {"num_key_value_heads", num_key_value_heads},
                                                        {"capacity", capacity},
                                                        {"head_dim", head_dim}};
  for (const auto& [name, size] : sizes) check_argument(size >= 1, name, "at least 1", size);
  // Zeros instead of uninitialised memory: masked positions have weight 0, and 0 times NaN is NaN.
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    keys_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
    values_.push_back(at::zeros({rows, num_key_value_heads, capacity, head_dim}, options));
  }
}

void KvCache::add(std::span<const std::int64_t> lengths) {
  const auto added = static_cast<std::int64_t>(lengths.size());
  check_argument(active() + added <= rows_, "lengths", "at most as many as there are free rows", added);
  for (const std::int64_t length : lengths)
    check_argument(length >= 1 && length <= capacity_, "lengths", "numbers from 1 to the capacity", length);
  lengths_.insert(lengths_.end(), lengths.begin(), lengths.end());
}

void KvCache::fork(std::int64_t row) {
  check_active(row);
  check_argument(active() < rows_, "row", "a free row to copy to", "none");
  copy_row(row, active());
  lengths_.push_back(lengths_[row]);
}

void KvCache::advance() {
  for (const std::int64_t length : lengths_)
    check_argument(length < capacity_, "advance", "rows of fewer tokens than the capacity", length);
  for (std::int64_t& length : lengths_) ++length;
}

void KvCache::drop(std::int64_t row) {
  check_active(row);
  const std::int64_t last = active() - 1;
  if (row != last) {
    copy_row(last, row);
    lengths_[row] = lengths_[last];
  }
  lengths_.pop_back();
}

const at::Tensor& KvCache::at_layer(const std::vector<at::Tensor>& tensors, std::int64_t layer) const {
  check_argument(layer >= 0 && layer < layers(), "layer", "a layer of the cache", layer);
  return tensors[static_cast<std::size_t>(layer)];
}

void KvCache::check_active(std::int64_t row) const {
  check_argument(row >= 0 && row < active(), "row", "an active row", row);
}

void KvCache::copy_row(std::int64_t from, std::int64_t to) {
  const auto copy = [&](at::Tensor& cache) {
    cache.select(0, to).narrow(1, 0, lengths_[from]).copy_(cache.select(0, from).narrow(1, 0, lengths_[from]));
  };
  for (at::Tensor& keys : keys_) copy(keys);
  for (at::Tensor& values : values_) copy(values);
}

}  // namespace rlhf
