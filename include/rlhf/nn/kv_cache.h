#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Keys and values of the sequences being generated, allocated once. Rows 0..active()-1 are in use and dense: a
/// finished row is replaced by the last active one, which costs one copy of that row and no allocation.
class KvCache {
 public:
  /// Layout per layer: keys, values [rows, num_key_value_heads, capacity, head_dim].
  KvCache(std::int64_t layers, std::int64_t rows, std::int64_t num_key_value_heads, std::int64_t capacity,
          std::int64_t head_dim, at::TensorOptions options);

  std::int64_t active() const { return static_cast<std::int64_t>(lengths_.size()); }
  std::int64_t rows() const { return rows_; }                            ///< rows there is room for
  std::int64_t capacity() const { return capacity_; }                    ///< tokens a row has room for
  const std::vector<std::int64_t>& lengths() const { return lengths_; }  ///< tokens held by each active row
  at::Tensor keys(std::int64_t layer) const { return keys_[layer]; }
  at::Tensor values(std::int64_t layer) const { return values_[layer]; }

  /// Makes the next `lengths.size()` rows active, holding that many tokens each (their keys and values were just
  /// written).
  void add(std::span<const std::int64_t> lengths);
  /// Makes one more row active: a copy of row `row`. Answers to one prompt share its computation so.
  void fork(std::int64_t row);
  /// Every active row now holds one token more.
  void advance();
  /// Drops active row `row`: the last active row moves into its place (callers move their own per-row state alike).
  void drop(std::int64_t row);
  void clear() { lengths_.clear(); }

  /// Bytes that one-token passes wrote so far; whoever writes them counts them.
  std::int64_t bytes_written() const { return bytes_written_; }
  void count_written(std::int64_t bytes) { bytes_written_ += bytes; }

 private:
  void copy_row(std::int64_t from, std::int64_t to);

  std::vector<at::Tensor> keys_, values_;
  std::vector<std::int64_t> lengths_;
  std::int64_t rows_, capacity_, bytes_written_ = 0;
};

}  // namespace rlhf
