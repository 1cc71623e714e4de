// The linear layers of a decoder by the names of its family.
#include "nn/linear_layers.h"

#include <numeric>

namespace rlhf {

LinearLayer fused_layer(const std::string& prefix, const std::string& name, const std::vector<std::string>& names,
                        const std::vector<std::int64_t>& shares, std::int64_t width, bool bias,
                        const FileLayout& layout) {
  LinearLayer layer{.width = width, .bias = bias, .layout = layout};
  if (names.size() == shares.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) layer.parts.push_back({prefix + names[i], shares[i]});
  } else {
    layer.parts = {{prefix + names.front(), std::accumulate(shares.begin(), shares.end(), std::int64_t{0})}};
  }
  layer.name = layer.parts.size() == 1 ? layer.parts.front().name : prefix + name;
  return layer;
}

LayerLinears linear_layers(const DecoderConfig& config, std::int64_t number) {
  const ModelShape& shape = config.shape;
  const DecoderNames& names = config.names;
  const std::string prefix = names.layers + std::to_string(number) + ".";
  const std::int64_t width = shape.hidden_size;
  const std::int64_t inner = config.experts.count > 0 ? config.experts.dense_width : shape.intermediate_size;
  const std::int64_t queries = shape.num_heads * shape.head_dim, keys = shape.num_key_value_heads * shape.head_dim;
  const FileLayout plain{.transposed = config.transposed_weights};
  FileLayout fused = plain;
  if (config.interleaved_heads) {
    fused.interleaved_heads = shape.num_key_value_heads;
    fused.queries_per_key = shape.num_heads / shape.num_key_value_heads;
  }
  LayerLinears layers{.query_key_value = fused_layer(prefix, "query_key_value", names.query_key_value,
                                                     {queries, keys, keys}, width, config.qkv_bias, fused),
                      .output = fused_layer(prefix, "", {names.output}, {width}, queries, config.output_bias, plain)};
  if (config.has_experts(number)) return layers;
  const std::vector<std::int64_t> gates = config.shape.gated ? std::vector{inner, inner} : std::vector{inner};
  layers.gate_up = fused_layer(prefix, "gate_up", names.gate_up, gates, width, config.mlp_bias, plain);
  layers.down = fused_layer(prefix, "", {names.down}, {width}, inner, config.mlp_bias, plain);
  return layers;
}

}  // namespace rlhf
