// Keys of config.json that several families share.
#include "nn/families/fields.h"

#include <algorithm>
#include <map>

namespace rlhf {
namespace {

RopeScaling read_scaling(const JsonReader& rope) {
  // Older files say `type`, newer ones `rope_type`.
  const std::string key = rope.has("rope_type") ? "rope_type" : "type";
  const std::string kind = rope.string_or(key, "default");
  if (kind == "default") return {};
  RopeScaling scaling;
  if (kind == "linear") {
    scaling.kind = RopeScaling::Kind::linear;
  } else if (kind == "llama3") {
    scaling.kind = RopeScaling::Kind::llama3;
    scaling.low_freq_factor = rope.positive_number_or("low_freq_factor", 1);
    scaling.high_freq_factor = rope.positive_number_or("high_freq_factor", 4);
    scaling.original_positions = rope.positive_number_or("original_max_position_embeddings", 8192);
    if (scaling.high_freq_factor <= scaling.low_freq_factor) {
      rope.at("high_freq_factor")
          .fail("more than low_freq_factor " + std::to_string(scaling.low_freq_factor),
                std::to_string(scaling.high_freq_factor));
    }
  } else {
    rope.at(key).fail("default, linear or llama3");
  }
  scaling.factor = rope.at("factor").positive_number();
  return scaling;
}

std::int64_t rotated_width(const JsonReader& config, const std::string& key, std::int64_t head_dim, double share) {
  const auto width = static_cast<std::int64_t>(static_cast<double>(head_dim) * std::min(share, 1.0));
  if (width < 2 || share > 1 || width % 2 != 0) {
    config.at(key).fail("a share of the " + std::to_string(head_dim) + " columns of a head that is an even number",
                        std::to_string(share));
  }
  return width;
}

/// Limits far above any model, but small enough that numbers of weights and bytes fit 64 bits.
void check_sizes(const JsonReader& config, const ModelShape& shape) {
  constexpr std::int64_t kMaxLayers = 10'000, kMaxWidth = 1 << 20;
  const auto check = [&](const char* key, std::int64_t size, std::int64_t limit) {
    if (size > limit) config.at(key).fail("at most " + std::to_string(limit), std::to_string(size));
  };
  check("num_hidden_layers", shape.num_layers, kMaxLayers);
  check("hidden_size", shape.hidden_size, kMaxWidth);
  check("intermediate_size", shape.intermediate_size, kMaxWidth);
  if (const std::int64_t heads = shape.num_heads * shape.head_dim; heads > kMaxWidth)
    config.fail("num_attention_heads times head_dim of at most " + std::to_string(kMaxWidth), std::to_string(heads));
}

}  // namespace

void complete_heads(const JsonReader& config, ModelShape& shape, std::optional<std::int64_t> head_dim) {
  if (!head_dim && shape.hidden_size % shape.num_heads != 0) {
    config.at("num_attention_heads")
        .fail("a divisor of hidden_size " + std::to_string(shape.hidden_size), std::to_string(shape.num_heads));
  }
  shape.head_dim = head_dim.value_or(shape.hidden_size / shape.num_heads);
  if (shape.num_heads % shape.num_key_value_heads != 0) {
    config.at("num_key_value_heads")
        .fail("a divisor of num_attention_heads " + std::to_string(shape.num_heads),
              std::to_string(shape.num_key_value_heads));
  }
  if (shape.head_dim % 2 != 0) config.at("head_dim").fail("an even number", std::to_string(shape.head_dim));
  check_sizes(config, shape);
}

ModelShape read_shape(const JsonReader& config, const ShapeDefaults& defaults) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = positive_integer(config.at("hidden_size"));
  shape.intermediate_size = positive_integer(config.at("intermediate_size"));
  shape.num_layers = positive_integer(config.at("num_hidden_layers"));
  shape.num_heads = positive_integer(config.at("num_attention_heads"));
  shape.num_key_value_heads = positive_integer_or(config, "num_key_value_heads", shape.num_heads);
  shape.max_positions = positive_integer_or(config, "max_position_embeddings", defaults.max_positions);
  shape.tied_head = config.boolean_or("tie_word_embeddings", defaults.tied);
  std::optional<std::int64_t> head_dim;
  if (config.has("head_dim")) {
    head_dim = positive_integer(config.at("head_dim"));
  } else if (defaults.head_dim > 0) {
    head_dim = defaults.head_dim;
  }
  complete_heads(config, shape, head_dim);
  return shape;
}

Activation read_activation(const JsonReader& config, const std::string& key, const std::string& fallback) {
  static const std::map<std::string, Activation> known = {{"silu", Activation::silu},
                                                          {"swish", Activation::silu},
                                                          {"gelu", Activation::gelu},
                                                          {"gelu_new", Activation::gelu_tanh},
                                                          {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                                          {"relu", Activation::relu}};
  const std::string name = config.string_or(key, fallback);
  const auto found = known.find(name);
  if (found == known.end()) config.at(key).fail("silu, gelu, gelu_new, gelu_pytorch_tanh or relu");
  return found->second;
}

Rotary read_rotary_section(const JsonReader& rope, std::int64_t head_dim, const RotaryDefaults& defaults) {
  const double share = rope.positive_number_or("partial_rotary_factor", defaults.share);
  return {.theta = rope.positive_number_or("rope_theta", defaults.theta),
          .width = rotated_width(rope, "partial_rotary_factor", head_dim, share),
          .scaling = read_scaling(rope)};
}

Rotary read_rotary(const JsonReader& config, std::int64_t head_dim, const RotaryDefaults& defaults) {
  const double theta = config.positive_number_or(defaults.theta_key, defaults.theta);
  const double share = config.positive_number_or(defaults.share_key, defaults.share);
  for (const char* const key : {"rope_parameters", "rope_scaling"}) {
    if (config.has(key)) return read_rotary_section(config.at(key), head_dim, {.theta = theta, .share = share});
  }
  return {.theta = theta, .width = rotated_width(config, defaults.share_key, head_dim, share)};
}

std::int64_t read_window(const JsonReader& config, std::int64_t fallback) {
  if (!config.object().contains("sliding_window")) return fallback;
  return config.has("sliding_window") ? positive_integer(config.at("sliding_window")) : 0;
}

std::vector<LayerKind> read_layers(const JsonReader& config, std::int64_t count, std::int64_t window,
                                   const std::function<bool(std::int64_t)>& slides) {
  std::vector<LayerKind> layers(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) layers[static_cast<std::size_t>(i)].window = slides(i) ? window : 0;
  if (!config.has("layer_types")) return layers;
  const JsonReader types = config.at("layer_types");
  if (!types.is_list() || types.list().size() != layers.size())
    types.fail("a list of " + std::to_string(count) + " types");
  for (std::size_t i = 0; i < layers.size(); ++i)
    layers[i].window = types.item(i).one_of({"full_attention", "sliding_attention"}) == 1 ? window : 0;
  return layers;
}

void refuse_flag(const JsonReader& config, const std::string& key, bool fallback) {
  if (config.boolean_or(key, fallback)) config.at(key).fail("false", "true");
}

DecoderNames llama_names() {
  return {.base = "model.",
          .embedding = "model.embed_tokens",
          .final_norm = "model.norm",
          .head = "lm_head",
          .layers = "model.layers.",
          .attention_norm = "input_layernorm",
          .query_key_value = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
          .output = "self_attn.o_proj",
          .mlp_norm = "post_attention_layernorm",
          .gate_up = {"mlp.gate_proj", "mlp.up_proj"},
          .down = "mlp.down_proj"};
}

}  // namespace rlhf
