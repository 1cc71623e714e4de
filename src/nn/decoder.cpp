#include "nn/decoder.h"

#include <cmath>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include "rlhf/nn/attention.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/work_counters.h"

#include "nn/cached_attention.h"
#include "nn/embedding.h"
#include "nn/rms_norm.h"
#include "nn/swiglu.h"

namespace rlhf {

Decoder::Decoder(const DecoderConfig& config, const WeightSource& source, bool with_head)
    : config_(config),
      heads_{config.shape.num_heads, config.shape.num_key_value_heads, config.shape.head_dim},
      attention_scale_(1.0 / std::sqrt(static_cast<double>(config.shape.head_dim))) {
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
  layer.query_key_value =
      request_stack(source, prefix + "query_key_value",
                    {{prefix + names.query, queries}, {prefix + names.key, keys}, {prefix + names.value, keys}}, width);
  layer.output = request(source, prefix + names.output, {width, queries});
  layer.mlp_norm = request(source, prefix + names.mlp_norm, {width});
  layer.gate_up =
      request_stack(source, prefix + "gate_up", {{prefix + names.gate, inner}, {prefix + names.up, inner}}, width);
  layer.down = request(source, prefix + names.down, {width, inner});
  return layer;
}

at::Tensor Decoder::request(const WeightSource& source, std::string name, std::vector<std::int64_t> sizes) {
  const WeightRequest wanted{std::move(name), std::move(sizes)};
  Weight weight = source.place(source.read(wanted));
  parameters_.push_back({wanted.name, std::move(weight.leaf), /*decay=*/!wanted.is_norm(), std::move(weight.master)});
  return parameters_.back().value;
}

at::Tensor Decoder::request_stack(const WeightSource& source, std::string name,
                                  const std::vector<Parameter::Part>& parts, std::int64_t width) {
  std::vector<at::Tensor> values;
  for (const auto& [part, rows] : parts) values.push_back(source.read({part, {rows, width}}));
  Weight weight = source.place(at::cat(values));
  parameters_.push_back({std::move(name), std::move(weight.leaf), /*decay=*/true, std::move(weight.master), parts});
  return parameters_.back().value;
}

at::Tensor Decoder::run(const at::Tensor& tokens, const at::Tensor& positions, const at::Tensor& rows,
                        const Attend& attend) const {
  const RotaryTable table = make_rotary_table(positions, config_.shape.head_dim, config_.rope_theta);
  at::Tensor hidden = embed(embedding_, tokens), delta;
  for (std::int64_t i = 0; i < config_.shape.num_layers; ++i) {
    const Layer& layer = layers_[i];
    const SumAndNorm before = add_rms_norm(hidden, delta, layer.attention_norm, config_.norm_eps);
    const at::Tensor qkv = rotate_heads(apply_linear(before.norm, layer.query_key_value), heads_, table);
    at::Tensor attended = attend(i, qkv), residual = before.sum;
    if (rows.defined() && i + 1 == config_.shape.num_layers) {  // from here on no token reads another
      attended = attended.index_select(0, rows);
      residual = residual.index_select(0, rows);
    }
    delta = apply_linear(attended, layer.output);
    const SumAndNorm between = add_rms_norm(residual, delta, layer.mlp_norm, config_.norm_eps);
    delta = apply_linear(swiglu(apply_linear(between.norm, layer.gate_up)), layer.down);
    hidden = between.sum;
  }
  return add_rms_norm(hidden, delta, final_norm_, config_.norm_eps).norm;
}

at::Tensor Decoder::forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) {
  const Segments& segments = batch.segments;
  check_shape(batch.tokens, "tokens", {segments.total()});
  check_shape(batch.positions, "positions", {segments.total()});
  work_counters().processed_tokens += segments.total();
  if (cache == nullptr) {
    return run(batch.tokens, batch.positions, rows, [&](std::int64_t, const at::Tensor& qkv) {
      return packed_attention(qkv, heads_, segments, attention_scale_);
    });
  }
  const at::NoGradGuard no_grad;
  check_prefill_fits(*cache, segments);
  at::Tensor hidden = run(batch.tokens, batch.positions, rows, [&](std::int64_t layer, const at::Tensor& qkv) {
    write_prefill(*cache, layer, split_heads(qkv, heads_), segments);
    return packed_attention(qkv, heads_, segments, attention_scale_);
  });
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < segments.count(); ++i) lengths.push_back(segments.length(i));
  cache->add(lengths);
  return hidden;
}

at::Tensor Decoder::decode(const at::Tensor& tokens, KvCache& cache) {
  const at::NoGradGuard no_grad;
  check_shape(tokens, "tokens", {cache.active()});
  const DecodeStep step = make_decode_step(cache, device());
  at::Tensor hidden = run(tokens, step.positions, /*rows=*/{}, [&](std::int64_t layer, const at::Tensor& qkv) {
    return cached_attention(cache, layer, step, qkv, heads_, attention_scale_);
  });
  cache.advance();
  return hidden;
}

}  // namespace rlhf
