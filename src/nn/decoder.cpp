// The decoder: embedding, layers of attention and feed-forward, final norm.
#include "nn/decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sigmoid.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/linear.h"

#include "nn/cached_attention.h"
#include "nn/embedding.h"
#include "nn/experts.h"
#include "nn/on_gradient.h"
#include "nn/split_heads.h"

namespace rlhf {

Decoder::Decoder(const DecoderConfig& config, const WeightSource& source, bool with_head)
    : config_(config), heads_{config.shape.num_heads, config.shape.num_key_value_heads, config.shape.head_dim} {
  const ModelShape& shape = config_.shape;
  const DecoderNames& names = config_.names;
  embedding_ = request(source, names.embedding + ".weight", {shape.vocab_size, shape.hidden_size});
  if (!names.positions.empty()) {
    position_table_ = request(source, names.positions + ".weight",
                              {shape.max_positions + config_.position_offset, shape.hidden_size});
  }
  embedding_norm_ = make_norm(source, "", names.embedding_norm, shape.hidden_size);
  std::size_t done = end_layer(source, 0, -1);
  for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
    layers_.push_back(make_layer(layer, source));
    done = end_layer(source, done, layer);
  }
  for (const Rotary& rotary : config_.rotaries) frequencies_.push_back(rotary_frequencies(rotary, device()));
  final_norm_ = make_norm(source, "", names.final_norm, shape.hidden_size);
  if (shape.tied_head) {
    head_ = embedding_;
  } else if (with_head) {
    head_ = request_head(source);
  }
  end_layer(source, done, shape.num_layers);
  set_supply(source.supply);
  if (!with_head) drop_head();
}

void Decoder::drop_head() {
  config_.logit_scale = 1;
  if (!config_.shape.tied_head) head_ = at::Tensor();
}

Decoder::Layer Decoder::make_layer(std::int64_t number, const WeightSource& source) {
  const ModelShape& shape = config_.shape;
  const DecoderNames& names = config_.names;
  const LayerKind kind = config_.layer(number);
  const std::string prefix = names.layers + std::to_string(number) + ".";
  const bool has_experts = config_.has_experts(number);
  const std::int64_t width = shape.hidden_size;
  const LayerLinears linears = linear_layers(config_, number);
  const auto norm = [&](const std::string& name, std::int64_t size) { return make_norm(source, prefix, name, size); };

  Layer layer;
  layer.attention_norm = norm(names.attention_norm, width);
  layer.query_key_value = make_linear(source, linears.query_key_value);
  layer.query_norm = norm(names.query_norm, config_.norms_whole_rows ? heads_.queries * heads_.width : heads_.width);
  layer.key_norm = norm(names.key_norm, config_.norms_whole_rows ? heads_.keys * heads_.width : heads_.width);
  layer.output = make_linear(source, linears.output);
  layer.attention_post_norm = norm(names.attention_post_norm, width);
  layer.mlp_norm = norm(names.mlp_norm, width);
  if (has_experts) {
    make_experts(source, prefix, layer);
  } else {
    layer.gate_up = make_linear(source, linears.gate_up);
    layer.down = make_linear(source, linears.down);
  }
  layer.mlp_post_norm = norm(names.mlp_post_norm, width);
  layer.rotary = kind.rotary;
  layer.rule = {.scale = config_.attention_scale > 0 ? config_.attention_scale
                                                     : 1.0 / std::sqrt(static_cast<double>(shape.head_dim)),
                .window = kind.window,
                .cap = config_.attention_cap,
                .alibi = config_.alibi};
  return layer;
}

Decoder::Expert Decoder::make_expert(const WeightSource& source, const std::string& prefix, std::int64_t inner) {
  const std::int64_t width = config_.shape.hidden_size;
  const DecoderNames& names = config_.names;
  return {make_linear(source, fused_layer(prefix, "gate_up", names.expert_gate_up, {inner, inner}, width)),
          make_linear(source, fused_layer(prefix, "", {names.expert_down}, {width}, inner))};
}

void Decoder::make_experts(const WeightSource& source, const std::string& prefix, Layer& layer) {
  const DecoderNames& names = config_.names;
  const Experts& experts = config_.experts;
  const std::int64_t width = config_.shape.hidden_size;
  layer.router = make_linear(source, fused_layer(prefix, "", {names.router}, {experts.count}, width));
  for (std::int64_t i = 0; i < experts.count; ++i)
    layer.experts.push_back(make_expert(source, prefix + names.experts + std::to_string(i) + ".", experts.width));
  if (experts.shared_width == 0) return;
  layer.shared_expert = make_expert(source, prefix + names.shared_expert, experts.shared_width);
  layer.shared_gate = make_linear(source, fused_layer(prefix, "", {names.shared_gate}, {1}, width));
}

Decoder::Linear Decoder::make_linear(const WeightSource& source, const LinearLayer& layer) {
  if (layer.parts.size() == 1) {
    const auto& [stem, rows] = layer.parts.front();
    FileLayout of_bias = layer.layout;
    of_bias.transposed = false;
    return {.weight = request(source, stem + ".weight", {rows, layer.width}, layer.layout),
            .bias = layer.bias ? request(source, stem + ".bias", {rows}, of_bias) : at::Tensor()};
  }
  const auto stack = [&](const std::string& kind, const std::vector<std::int64_t>& row_sizes) {
    std::vector<Parameter::Part> named;
    for (const auto& [part, rows] : layer.parts) named.push_back({part + kind, rows});
    return request_stack(source, layer.name + kind, named, row_sizes);
  };
  return {.weight = stack(".weight", {layer.width}), .bias = layer.bias ? stack(".bias", {}) : at::Tensor()};
}

void Decoder::adapt(const LoraSource& source) {
  draws_ = source.options.dropout > 0;
  parameters_.clear();
  std::size_t done = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const LayerLinears linears = linear_layers(config_, static_cast<std::int64_t>(i));
    Layer& layer = layers_[i];
    layer.query_key_value.adapter = make_low_rank(linears.query_key_value, source, parameters_);
    layer.output.adapter = make_low_rank(linears.output, source, parameters_);
    layer.gate_up.adapter = make_low_rank(linears.gate_up, source, parameters_);
    layer.down.adapter = make_low_rank(linears.down, source, parameters_);
    done = end_layer({}, done, static_cast<std::int64_t>(i));
  }
}

Norm Decoder::make_norm(const WeightSource& source, const std::string& prefix, const std::string& name,
                        std::int64_t width) {
  Norm norm{.kind = config_.norm, .eps = config_.norm_eps};
  if (name.empty()) return norm;
  norm.weight = request(source, prefix + name + ".weight", {width});
  if (config_.norm == NormKind::layer && config_.norm_bias)
    norm.bias = request(source, prefix + name + ".bias", {width});
  return norm;
}

std::size_t Decoder::end_layer(const WeightSource& source, std::size_t first, std::int64_t layer) {
  const std::span unit = std::span(parameters_).subspan(first);
  for (Parameter& parameter : unit) parameter.layer = layer;
  const bool inside = layer >= 0 && layer < config_.shape.num_layers;
  if (source.supply && !unit.empty()) source.supply->add(inside ? std::optional(layer) : std::nullopt, unit);
  return parameters_.size();
}

at::Tensor Decoder::request(const WeightSource& source, const std::string& name, std::vector<std::int64_t> sizes,
                            const FileLayout& layout) {
  if (layout.transposed && sizes.size() == 2) std::swap(sizes[0], sizes[1]);
  const WeightRequest wanted{name, std::move(sizes)};
  Weight weight = source.place(from_file_layout(source.read(wanted), layout));
  parameters_.push_back({.name = name,
                         .value = std::move(weight.leaf),
                         .decay = !wanted.is_vector(),
                         .master = std::move(weight.master),
                         .layout = layout});
  return parameters_.back().value;
}

at::Tensor Decoder::request_head(const WeightSource& source) {
  const std::string name = config_.names.head + ".weight", bias = config_.names.head_bias;
  const std::int64_t rows = config_.shape.vocab_size;
  if (bias.empty()) return request(source, name, {rows, config_.shape.hidden_size});
  const at::Tensor values = source.read({name, {rows, config_.shape.hidden_size}});
  Weight weight = source.place(at::cat({values, source.read({bias, {rows}}).unsqueeze(1)}, 1));
  parameters_.push_back(
      {.name = name, .value = std::move(weight.leaf), .master = std::move(weight.master), .last_column = bias});
  return parameters_.back().value;
}

at::Tensor Decoder::request_stack(const WeightSource& source, const std::string& name,
                                  const std::vector<Parameter::Part>& parts,
                                  const std::vector<std::int64_t>& row_sizes) {
  std::vector<at::Tensor> values;
  for (const auto& [part, rows] : parts) {
    std::vector<std::int64_t> sizes{rows};
    sizes.insert(sizes.end(), row_sizes.begin(), row_sizes.end());
    values.push_back(source.read({part, std::move(sizes)}));
  }
  Weight weight = source.place(values);
  parameters_.push_back({.name = name,
                         .value = std::move(weight.leaf),
                         .decay = !row_sizes.empty(),
                         .master = std::move(weight.master),
                         .parts = parts});
  return parameters_.back().value;
}

at::Tensor Decoder::Linear::operator()(const at::Tensor& x) const {
  return adapter ? apply_linear(x, weight, bias, *adapter) : apply_linear(x, weight, bias);
}

at::Tensor Decoder::embed_tokens(const at::Tensor& tokens, const at::Tensor& positions) const {
  at::Tensor hidden = embed(embedding_, tokens);
  if (position_table_.defined()) {
    hidden = hidden.add(embed(position_table_, positions.add(config_.position_offset)));
  }
  // The factor is rounded to the compute dtype, because Gemma was trained that way.
  if (config_.embedding_scale != 1) hidden = hidden.mul(at::scalar_tensor(config_.embedding_scale, hidden.options()));
  return apply_norm(hidden, embedding_norm_);
}

at::Tensor Decoder::query_key_value(const Layer& layer, const at::Tensor& x,
                                    const std::vector<RotaryTable>& tables) const {
  at::Tensor qkv = layer.query_key_value(x);
  if (layer.query_norm.weight.defined()) {
    const auto& [q, k, v] = split_heads(qkv, heads_);
    const auto normed = [](const at::Tensor& heads, const Norm& norm) {
      return apply_norm(heads.reshape({heads.size(0), -1, norm.weight.size(0)}), norm).view(heads.sizes());
    };
    qkv = at::cat({normed(q, layer.query_norm), normed(k, layer.key_norm), v}, 1).flatten(1);
  }
  return layer.rotary < tables.size() ? rotate_heads(qkv, heads_, tables[layer.rotary]) : qkv;
}

at::Tensor Decoder::to_residual(const at::Tensor& x, const Norm& post_norm) const {
  const at::Tensor delta = apply_norm(x, post_norm);
  return config_.residual_scale == 1 ? delta : delta.mul(config_.residual_scale);
}

at::Tensor Decoder::to_head(const at::Tensor& hidden) const {
  const at::Tensor scaled = config_.logit_scale == 1 ? hidden : hidden.mul(config_.logit_scale);
  const bool has_bias = head_.defined() && head_.size(1) > scaled.size(1);
  return has_bias ? at::constant_pad_nd(scaled, {0, 1}, 1) : scaled;
}

at::Tensor Decoder::apply_inner(const Linear& gate_up, const Linear& down, const at::Tensor& x) const {
  const at::Tensor inner = gate_up(x);
  const at::Tensor active =
      config_.shape.gated ? activate_gated(inner, config_.activation) : activate(inner, config_.activation);
  return down(active);
}

at::Tensor Decoder::apply_experts(const Layer& layer, const at::Tensor& x, RouterBalance* balance) const {
  const Routing routing = route(layer.router(x), config_.experts.per_token, config_.experts.normalized, balance);
  const at::Tensor sum = mix_experts(x, routing, config_.experts.count, [&](std::int64_t i, const at::Tensor& rows) {
    const Expert& expert = layer.experts[static_cast<std::size_t>(i)];
    return apply_inner(expert.gate_up, expert.down, rows);
  });
  if (config_.experts.shared_width == 0) return sum;
  const at::Tensor shared = apply_inner(layer.shared_expert.gate_up, layer.shared_expert.down, x);
  return sum.add(at::sigmoid(layer.shared_gate(x)).mul(shared));
}

at::Tensor Decoder::feed_forward(const Layer& layer, const at::Tensor& x, RouterBalance* balance) const {
  const bool has_experts = !layer.experts.empty();
  return to_residual(has_experts ? apply_experts(layer, x, balance) : apply_inner(layer.gate_up, layer.down, x),
                     layer.mlp_post_norm);
}

namespace {

at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows) {
  return rows.defined() && x.defined() ? x.index_select(0, rows) : x;
}

}  // namespace

Residual Decoder::run_layer(std::int64_t i, const Residual& input, const at::Tensor& rows, const Pass& pass) const {
  const Layer& layer = layers_[static_cast<std::size_t>(i)];
  const SumAndNorm before = add_norm(input.sum, input.delta, layer.attention_norm);
  // After the attention no token reads another one.
  const at::Tensor attended = select_rows(pass.attend(i, query_key_value(layer, before.norm, pass.tables)), rows);
  const at::Tensor residual = select_rows(before.sum, rows);
  const at::Tensor delta = to_residual(layer.output(attended), layer.attention_post_norm);
  if (config_.parallel_residual) {
    const bool own_norm = layer.mlp_norm.weight.defined();
    const at::Tensor x =
        own_norm ? add_norm(residual, /*delta=*/{}, layer.mlp_norm).norm : select_rows(before.norm, rows);
    return {residual, delta.add(feed_forward(layer, x, pass.balance.get()))};
  }
  const SumAndNorm between = add_norm(residual, delta, layer.mlp_norm);
  return {between.sum, feed_forward(layer, between.norm, pass.balance.get())};
}

Residual Decoder::run_supplied(std::int64_t i, const Residual& input, const LayerBody& body) const {
  gate_.before_layer(i);
  const std::shared_ptr<WeightSupply>& supply = this->supply();
  if (!supply) return body(input);
  supply->before_layer(i);
  const Residual output = body(on_gradient(input, [supply, i] { supply->after_backward(i); }));
  supply->after_layer(i);
  return on_gradient(output, [supply, i] { supply->before_backward(i); });
}

Residual Decoder::run_inner_layers(Residual residual, const Pass& pass) const {
  const bool recompute = recompute_ && at::GradMode::is_enabled();
  // With a frozen embedding nothing before the first layer requires a gradient, but its weights do.
  if (recompute && !residual.sum.requires_grad()) residual.sum = residual.sum.detach().requires_grad_();
  for (std::int64_t i = 0; i + 1 < config_.shape.num_layers; ++i) {
    const auto layer = [this, i, pass](const Residual& input) { return run_layer(i, input, /*rows=*/{}, pass); };
    residual = run_supplied(i, residual, [&](const Residual& input) {
      return recompute ? recompute_in_backward(layer, input, draws_) : layer(input);
    });
  }
  return residual;
}

at::Tensor Decoder::run(const at::Tensor& tokens, const at::Tensor& positions, const at::Tensor& rows, Attend attend,
                        c10::intrusive_ptr<RouterBalance> balance) const {
  if (supply()) supply()->begin_pass();
  gate_.before_layer(-1);
  Pass pass{.attend = std::move(attend), .balance = std::move(balance)};
  for (std::size_t i = 0; i < frequencies_.size(); ++i)
    pass.tables.push_back(make_rotary_table(positions, frequencies_[i], config_.rotaries[i]));
  const Residual inner = run_inner_layers({embed_tokens(tokens, positions), {}}, pass);
  // The loss of the routers needs every token in the last layer too.
  const at::Tensor early = pass.balance ? at::Tensor() : rows, late = pass.balance ? rows : at::Tensor();
  const std::int64_t i = config_.shape.num_layers - 1;
  const Residual last = run_supplied(i, inner, [&](const Residual& input) { return run_layer(i, input, early, pass); });
  gate_.finish();
  return to_head(add_norm(select_rows(last.sum, late), select_rows(last.delta, late), final_norm_).norm);
}

/// Throws unless the batch, and the rows of it that are asked for, suit this decoder.
void Decoder::check_batch(const PackedBatch& batch, const at::Tensor& rows) const {
  const Segments& segments = batch.segments;
  check_segments(segments, "segments");
  if (segments.total() == 0) throw ShapeError("batch: expected at least one token, found none");
  const std::int64_t positions =
      has_bounded_positions() ? config_.shape.max_positions : std::numeric_limits<std::int64_t>::max();
  check_indices(batch.tokens, "tokens", segments.total(), config_.shape.vocab_size, device());
  check_indices(batch.positions, "positions", segments.total(), positions, device());
  if (rows.defined()) check_indices(rows, "rows", -1, segments.total(), device());
}

/// Throws unless the cache was made for a decoder of these sizes.
void Decoder::check_cache(const KvCache& cache) const {
  const ModelShape& shape = config_.shape;
  check_argument(cache.layers() == shape.num_layers, "cache", std::to_string(shape.num_layers) + " layers",
                 cache.layers());
  const at::Tensor& keys = cache.keys(0);
  check_shape(keys, "cache", {cache.rows(), shape.num_key_value_heads, cache.capacity(), shape.head_dim});
  check_dtype(keys, "cache", dtype());
  check_device(keys, "cache", device());
  if (has_bounded_positions())
    check_argument(cache.active() == 0 || std::ranges::max(cache.lengths()) < shape.max_positions, "cache",
                   "rows with room in the model's positions",
                   cache.active() == 0 ? 0 : std::ranges::max(cache.lengths()));
}

at::Tensor Decoder::forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) {
  const Segments& segments = batch.segments;
  check_batch(batch, rows);
  count_processed(segments.total());
  if (cache == nullptr) {
    // Layers may run again after this call.
    const auto kept = std::make_shared<const Segments>(segments);
    const double weight = at::GradMode::is_enabled() ? router_loss_ * batch.share : 0;
    const auto balance = weight > 0 ? c10::make_intrusive<RouterBalance>(weight) : nullptr;
    const auto attend = [this, kept](std::int64_t layer, const at::Tensor& qkv) {
      return packed_attention(qkv, heads_, *kept, rule(layer));
    };
    at::Tensor hidden = run(batch.tokens, batch.positions, rows, attend, balance);
    if (balance) count_router_loss(balance->finish().mul(batch.share));
    return hidden;
  }
  const at::NoGradGuard no_grad;
  check_cache(*cache);
  check_prefill_fits(*cache, segments);
  at::Tensor hidden = run(batch.tokens, batch.positions, rows, [&](std::int64_t layer, const at::Tensor& qkv) {
    write_prefill(*cache, layer, split_heads(qkv, heads_), segments);
    return packed_attention(qkv, heads_, segments, rule(layer));
  });
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < segments.count(); ++i) lengths.push_back(segments.length(i));
  cache->add(lengths);
  return hidden;
}

at::Tensor Decoder::decode(const at::Tensor& tokens, KvCache& cache) {
  const at::NoGradGuard no_grad;
  check_cache(cache);
  check_indices(tokens, "tokens", cache.active(), config_.shape.vocab_size, device());
  const DecodeStep step = make_decode_step(cache, device());
  at::Tensor hidden = run(tokens, step.positions, /*rows=*/{}, [&](std::int64_t layer, const at::Tensor& qkv) {
    return cached_attention(cache, layer, step, qkv, heads_, rule(layer));
  });
  cache.advance();
  return hidden;
}

}  // namespace rlhf
