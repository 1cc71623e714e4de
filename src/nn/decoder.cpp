#include "nn/decoder.h"

#include <cmath>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include "rlhf/nn/attention.h"
#include "rlhf/tensor/check_shape.h"

#include "nn/cached_attention.h"
#include "nn/embedding.h"
#include "nn/rms_norm.h"

namespace rlhf {

Decoder::Decoder(const DecoderConfig& config, const WeightSource& source, bool with_head)
    : config_(config), attention_scale_(1.0 / std::sqrt(static_cast<double>(config.shape.head_dim))) {
  const ModelShape& shape = config_.shape;
  const DecoderNames& names = config_.names;
  embedding_ = request(source, names.embedding, {shape.vocab_size, shape.hidden_size});
  for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
    layers_.push_back(make_layer(names.layers + std::to_string(layer) + ".", source));
  }
  final_norm_ = request(source, names.final_norm, {shape.hidden_size});
  if (shape.tied_head) {
    head_ = embedding_;
  } else if (with_head) {
    head_ = request(source, names.head, {shape.vocab_size, shape.hidden_size});
  }
}

Decoder::Layer Decoder::make_layer(const std::string& prefix, const WeightSource& source) {
  const ModelShape& shape = config_.shape;
  const DecoderNames& names = config_.names;
  const std::int64_t width = shape.hidden_size, inner = shape.intermediate_size;
  const std::int64_t queries = shape.num_heads * shape.head_dim, keys = shape.num_key_value_heads * shape.head_dim;
  Layer layer;
  layer.attention_norm = request(source, prefix + names.attention_norm, {width});
  layer.query = request(source, prefix + names.query, {queries, width});
  layer.key = request(source, prefix + names.key, {keys, width});
  layer.value = request(source, prefix + names.value, {keys, width});
  layer.output = request(source, prefix + names.output, {width, queries});
  layer.mlp_norm = request(source, prefix + names.mlp_norm, {width});
  layer.gate = request(source, prefix + names.gate, {inner, width});
  layer.up = request(source, prefix + names.up, {inner, width});
  layer.down = request(source, prefix + names.down, {width, inner});
  return layer;
}

at::Tensor Decoder::request(const WeightSource& source, std::string name, std::vector<std::int64_t> sizes) {
  const WeightRequest wanted{std::move(name), std::move(sizes)};
  Weight weight = source(wanted);
  parameters_.push_back({wanted.name, std::move(weight.leaf), /*decay=*/!wanted.is_norm(), std::move(weight.master)});
  return parameters_.back().value;
}

at::Tensor Decoder::run(const at::Tensor& tokens, const at::Tensor& positions, const Attend& attend) const {
  const ModelShape& shape = config_.shape;
  const std::int64_t rows = tokens.size(0), width = shape.head_dim;
  const RotaryTable table = make_rotary_table(positions, width, config_.rope_theta);
  at::Tensor hidden = embed(embedding_, tokens);
  for (std::int64_t i = 0; i < shape.num_layers; ++i) {
    const Layer& layer = layers_[i];
    const at::Tensor x = rms_norm(hidden, layer.attention_norm, config_.norm_eps);
    const at::Tensor q = rotate(at::linear(x, layer.query).view({rows, shape.num_heads, width}), table);
    const at::Tensor k = rotate(at::linear(x, layer.key).view({rows, shape.num_key_value_heads, width}), table);
    const at::Tensor v = at::linear(x, layer.value).view({rows, shape.num_key_value_heads, width});
    hidden = hidden.add(at::linear(attend(i, q, k, v).reshape({rows, -1}), layer.output));
    const at::Tensor y = rms_norm(hidden, layer.mlp_norm, config_.norm_eps);
    const at::Tensor gated = at::silu(at::linear(y, layer.gate)).mul(at::linear(y, layer.up));
    hidden = hidden.add(at::linear(gated, layer.down));
  }
  return rms_norm(hidden, final_norm_, config_.norm_eps);
}

at::Tensor Decoder::forward(const PackedBatch& batch, KvCache* cache) {
  const Segments& segments = batch.segments;
  check_shape(batch.tokens, "tokens", {segments.total()});
  check_shape(batch.positions, "positions", {segments.total()});
  if (cache == nullptr) {
    return run(batch.tokens, batch.positions,
               [&](std::int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                 return packed_attention(q, k, v, segments, attention_scale_);
               });
  }
  const at::NoGradGuard no_grad;
  check_prefill_fits(*cache, segments);
  at::Tensor hidden = run(batch.tokens, batch.positions,
                          [&](std::int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                            write_prefill(*cache, layer, k, v, segments);
                            return packed_attention(q, k, v, segments, attention_scale_);
                          });
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < segments.count(); ++i) lengths.push_back(segments.length(i));
  cache->start(lengths);
  return hidden;
}

at::Tensor Decoder::decode(const at::Tensor& tokens, KvCache& cache) {
  const at::NoGradGuard no_grad;
  check_shape(tokens, "tokens", {cache.active()});
  const DecodeStep step = make_decode_step(cache, device());
  at::Tensor hidden = run(tokens, step.positions,
                          [&](std::int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                            return cached_attention(cache, layer, step, q, k, v, attention_scale_);
                          });
  cache.advance();
  return hidden;
}

}  // namespace rlhf
