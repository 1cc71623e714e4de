#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>

#include "rlhf/core/types.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf::testing {

/// A language model whose distributions are known in closed form: the logits of the next token depend on the last token
/// and on the first token of the sequence, logit(first, last, next). The first token is read from the KV cache when
/// decoding, so a row that is moved without its cache gives wrong answers.
class FakeLm : public CausalLM {
 public:
  explicit FakeLm(std::int64_t vocab, std::int64_t max_positions = 64)
      : identity_(at::eye(vocab, at::kFloat)), head_(at::empty({vocab, 2 * vocab}, at::kFloat)) {
    shape_.vocab_size = vocab;
    shape_.hidden_size = 2 * vocab;
    shape_.num_layers = shape_.num_heads = shape_.num_key_value_heads = shape_.head_dim = 1;
    shape_.max_positions = max_positions;
    auto head = head_.accessor<float, 2>();
    for (std::int64_t next = 0; next < vocab; ++next) {
      for (std::int64_t token = 0; token < vocab; ++token) {
        head[next][token] = static_cast<float>(by_last(token, next));
        head[next][vocab + token] = static_cast<float>(by_first(token, next));
      }
    }
  }

  double logit(std::int64_t first, std::int64_t last, std::int64_t next) const {
    return by_last(last, next) + by_first(first, next);
  }

  /// log softmax(logits / temperature), in double.
  std::vector<double> logprobs(std::int64_t first, std::int64_t last, double temperature) const {
    std::vector<double> result;
    double sum = 0;
    for (std::int64_t next = 0; next < shape_.vocab_size; ++next) {
      result.push_back(logit(first, last, next) / temperature);
      sum += std::exp(result.back());
    }
    for (double& value : result) value -= std::log(sum);
    return result;
  }

  /// Rows of every decode() and tokens of every forward() so far.
  const std::vector<std::int64_t>& decoded_rows() const { return decoded_rows_; }
  const std::vector<std::int64_t>& forwarded_tokens() const { return forwarded_tokens_; }

  const ModelShape& shape() const override { return shape_; }

  at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) override {
    const Segments& segments = batch.segments;
    forwarded_tokens_.push_back(segments.total());
    std::vector<std::int64_t> firsts, lengths;
    for (std::int64_t i = 0; i < segments.count(); ++i) {
      const at::Tensor tokens = batch.tokens.narrow(0, segments.offsets[i], segments.length(i));
      firsts.insert(firsts.end(), segments.length(i), tokens.data_ptr<std::int64_t>()[0]);
      lengths.push_back(segments.length(i));
      if (cache)
        cache->keys(0)
            .select(0, cache->active() + i)
            .select(0, 0)
            .select(1, 0)
            .narrow(0, 0, lengths.back())
            .copy_(tokens);
    }
    if (cache) cache->add(lengths);
    const at::Tensor all = hidden(batch.tokens, to_device(firsts, at::kCPU));
    return rows.defined() ? all.index_select(0, rows) : all;
  }

  at::Tensor decode(const at::Tensor& tokens, KvCache& cache) override {
    decoded_rows_.push_back(cache.active());
    at::Tensor cached = cache.keys(0);
    auto keys = cached.accessor<float, 4>();
    std::vector<std::int64_t> firsts;
    for (std::int64_t row = 0; row < cache.active(); ++row) {
      if (cache.lengths()[row] >= cache.capacity()) throw std::out_of_range("FakeLm: the cache is full");
      keys[row][0][cache.lengths()[row]][0] = static_cast<float>(tokens.data_ptr<std::int64_t>()[row]);
      firsts.push_back(static_cast<std::int64_t>(keys[row][0][0][0]));
    }
    cache.advance();
    return hidden(tokens, to_device(firsts, at::kCPU));
  }

  const at::Tensor& head() const override { return head_; }
  at::Tensor& mutable_head() { return head_; }
  Parameters& parameters() override { return parameters_; }
  at::Device device() const override { return at::kCPU; }
  at::ScalarType dtype() const override { return at::kFloat; }

 private:
  static double by_last(std::int64_t last, std::int64_t next) {
    return 1.5 * std::sin(1.7 * static_cast<double>(last) + 2.3 * static_cast<double>(next));
  }
  static double by_first(std::int64_t first, std::int64_t next) {
    return 1.1 * std::cos(0.9 * static_cast<double>(first) - 3.1 * static_cast<double>(next));
  }
  at::Tensor hidden(const at::Tensor& last, const at::Tensor& first) const {
    return at::cat({identity_.index_select(0, last), identity_.index_select(0, first)}, 1);
  }

  ModelShape shape_;
  at::Tensor identity_;  ///< [V,V]
  at::Tensor head_;      ///< [V,2V]: logits = head · (onehot(last), onehot(first))
  Parameters parameters_;
  std::vector<std::int64_t> decoded_rows_, forwarded_tokens_;
};

}  // namespace rlhf::testing
