#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/kv_cache.h"
#include "rlhf/nn/parameter.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// The sizes every part of the library needs to know of a model.
struct ModelShape {
  std::int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_layers = 0;
  std::int64_t num_heads = 0, num_key_value_heads = 0, head_dim = 0, max_positions = 0;
  bool tied_head = false;
};

/// A decoder that turns tokens into hidden states. Implement it to train a model of your own.
/// Logits are never made here: callers name the rows that they read and use linear_logprobs or sample with head().
class CausalLM {
 public:
  virtual ~CausalLM() = default;
  virtual const ModelShape& shape() const = 0;
  /// Hidden states after the final norm, [R,D] in the compute dtype, of the tokens `rows` ([R] int64; undefined: of all
  /// N). Differentiable. What only the other tokens need of the last layer is not computed. If `cache` is given, with
  /// room for batch.segments.count() more rows, keys and values of every sequence are added to it (inference only).
  virtual at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows = {}, KvCache* cache = nullptr) = 0;
  /// One token per active row of the cache: tokens [B] int64 -> hidden [B,D]; appends to every row. No gradient.
  virtual at::Tensor decode(const at::Tensor& tokens, KvCache& cache) = 0;
  /// Output projection [V,D] (the embedding itself where the head is tied).
  virtual const at::Tensor& head() const = 0;
  /// Logits are logit_cap · tanh(hidden · headᵀ / logit_cap); 0: they stay as they are.
  virtual double logit_cap() const { return 0; }
  /// All trainable tensors, each once, in file order.
  virtual Parameters& parameters() = 0;
  virtual at::Device device() const = 0;
  virtual at::ScalarType dtype() const = 0;

  /// Rows that forward() ran since this was last asked.
  std::int64_t take_processed_tokens() { return std::exchange(processed_tokens_, 0); }

 protected:
  /// forward() counts its rows here.
  void count_processed(std::int64_t tokens) { processed_tokens_ += tokens; }

 private:
  std::int64_t processed_tokens_ = 0;
};

}  // namespace rlhf
