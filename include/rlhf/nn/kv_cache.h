#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// The keys and values of the sequences that are being generated, allocated once. The active rows are 0..active()-1.
/// When a row is dropped, the last active row moves to its place, which costs one copy of a row and no allocation.
class KvCache {
 public:
  /// Layout per layer: keys, values [rows, num_key_value_heads, capacity, head_dim]. All functions throw ArgumentError
  /// for sizes below 1, rows that are not active, and more rows or tokens than there is room for.
  KvCache(std::int64_t layers, std::int64_t rows, std::int64_t num_key_value_heads, std::int64_t capacity,
          std::int64_t head_dim, at::TensorOptions options);

  std::int64_t active() const { return static_cast<std::int64_t>(lengths_.size()); }
  std::int64_t rows() const { return rows_; }                            ///< number of rows, active or free
  std::int64_t capacity() const { return capacity_; }                    ///< maximum number of tokens per row
  const std::vector<std::int64_t>& lengths() const { return lengths_; }  ///< number of tokens in each active row
  std::int64_t layers() const { return static_cast<std::int64_t>(keys_.size()); }
  const at::Tensor& keys(std::int64_t layer) const { return at_layer(keys_, layer); }
  const at::Tensor& values(std::int64_t layer) const { return at_layer(values_, layer); }

  /// Makes the next `lengths.size()` rows active, with that many tokens each; their keys and values must be written
  /// already.
  void add(std::span<const std::int64_t> lengths);
  /// Makes one more row active as a copy of row `row`, so that the responses to one prompt share its computation.
  void fork(std::int64_t row);
  /// Adds one to the length of every active row.
  void advance();
  /// Drops the active row `row`; the last active row moves to its place (callers must move their own state per row
  /// too).
  void drop(std::int64_t row);
  void clear() { lengths_.clear(); }

  /// Bytes that one-token passes wrote so far; whoever writes them counts them.
  std::int64_t bytes_written() const { return bytes_written_; }
  void count_written(std::int64_t bytes) { bytes_written_ += bytes; }

 private:
  const at::Tensor& at_layer(const std::vector<at::Tensor>& tensors, std::int64_t layer) const;
  void check_active(std::int64_t row) const;
  void copy_row(std::int64_t from, std::int64_t to);

  std::vector<at::Tensor> keys_, values_;
  std::vector<std::int64_t> lengths_;
  std::int64_t rows_, capacity_, bytes_written_ = 0;
};

}  // namespace rlhf
