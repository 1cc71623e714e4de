#pragma once

#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/eye.h>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf::testing {

/// The smallest trainable language model: row `last` of a [V,V] table holds the logits of the next token.
class TableLm : public CausalLM {
 public:
  explicit TableLm(const at::Tensor& table) : head_(at::eye(table.size(1))) {
    shape_ = {.vocab_size = table.size(1),
              .hidden_size = table.size(1),
              .num_layers = 1,
              .num_heads = 1,
              .num_key_value_heads = 1,
              .head_dim = 1,
              .max_positions = 64};
    parameters_ = {{"table", table.clone().set_requires_grad(true), false}};
  }
  const at::Tensor& table() const { return parameters_[0].value; }

  const ModelShape& shape() const override { return shape_; }
  at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) override {
    std::vector<std::int64_t> lengths;
    for (std::int64_t i = 0; i < batch.segments.count(); ++i) lengths.push_back(batch.segments.length(i));
    if (cache) cache->add(lengths);
    return table().index_select(0, rows.defined() ? batch.tokens.index_select(0, rows) : batch.tokens);
  }
  at::Tensor decode(const at::Tensor& tokens, KvCache& cache) override {
    cache.advance();
    return table().index_select(0, tokens);
  }
  const at::Tensor& head() const override { return head_; }
  Parameters& parameters() override { return parameters_; }
  at::Device device() const override { return at::kCPU; }
  at::ScalarType dtype() const override { return at::kFloat; }

 private:
  ModelShape shape_;
  at::Tensor head_;
  Parameters parameters_;
};

}  // namespace rlhf::testing
