// Keys of config.json that several families share.
#include "nn/families/fields.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace rlhf {
namespace {

/// What a section says about the scaling, and what its kinds need besides.
struct RopeSection {
  const JsonReader& rope;
  const ModelShape& shape;
  double original_positions;  ///< of the first training

  double ratio() const { return static_cast<double>(shape.max_positions) / original_positions; }
  double number_or(const char* key, double fallback) const { return rope.has(key) ? rope.at(key).number() : fallback; }
};

void read_llama3(const RopeSection& section, Rotary& rotary) {
  const JsonReader& rope = section.rope;
  RopeScaling& scaling = rotary.scaling;
  scaling.low_freq_factor = rope.positive_number_or("low_freq_factor", 1);
  scaling.high_freq_factor = rope.positive_number_or("high_freq_factor", 4);
  if (scaling.high_freq_factor <= scaling.low_freq_factor) {
    rope.at("high_freq_factor")
        .fail("more than low_freq_factor " + std::to_string(scaling.low_freq_factor),
              std::to_string(scaling.high_freq_factor));
  }
  scaling.factor = rope.at("factor").positive_number();
}

void read_yarn(const RopeSection& section, Rotary& rotary) {
  const JsonReader& rope = section.rope;
  RopeScaling& scaling = rotary.scaling;
  if (rotary.theta <= 1) rope.at("rope_theta").fail("more than 1", std::to_string(rotary.theta));
  scaling.factor = rope.positive_number_or("factor", section.ratio());
  scaling.beta_fast = rope.positive_number_or("beta_fast", 32);
  scaling.beta_slow = rope.positive_number_or("beta_slow", 1);
  scaling.truncate = rope.boolean_or("truncate", true);
  const auto magnitude = [&](double scale) {
    return scaling.factor > 1 ? 0.1 * scale * std::log(scaling.factor) + 1 : 1;
  };
  const double scale = section.number_or("mscale", 0), scale_of_all = section.number_or("mscale_all_dim", 0);
  const bool scaled = scale != 0 && scale_of_all != 0;
  rotary.magnitude =
      rope.positive_number_or("attention_factor", scaled ? magnitude(scale) / magnitude(scale_of_all) : magnitude(1));
}

std::vector<double> read_divisors(const JsonReader& list, std::int64_t count) {
  if (!list.is_list() || static_cast<std::int64_t>(list.list().size()) != count)
    list.fail("a list of " + std::to_string(count) + " numbers");
  std::vector<double> divisors;
  list.for_each_item([&](const JsonReader& divisor) { divisors.push_back(divisor.positive_number()); });
  return divisors;
}

void read_longrope(const RopeSection& section, Rotary& rotary) {
  const JsonReader& rope = section.rope;
  const double original = section.original_positions;
  if (original < 2) rope.at("original_max_position_embeddings").fail("at least 2", std::to_string(original));
  rotary.scaling.longest = static_cast<std::int64_t>(original);
  rotary.scaling.divisors = read_divisors(rope.at("short_factor"), rotary.width / 2);
  read_divisors(rope.at("long_factor"), rotary.width / 2);  // of longer sequences
  const double factor = rope.positive_number_or("factor", section.ratio());
  rotary.magnitude = rope.positive_number_or("attention_factor",
                                             factor > 1 ? std::sqrt(1 + std::log(factor) / std::log(original)) : 1);
}

void read_scaling(const RopeSection& section, bool yarn_is_longrope, Rotary& rotary) {
  using Kind = RopeScaling::Kind;
  const JsonReader& rope = section.rope;
  RopeScaling& scaling = rotary.scaling;
  // Older files say `type`, newer ones `rope_type`.
  const std::string key = rope.has("rope_type") ? "rope_type" : "type";
  std::string kind = rope.string_or(key, "default");
  if (kind == "su" || (kind == "yarn" && yarn_is_longrope)) kind = "longrope";
  scaling.original_positions = section.original_positions;
  if (kind == "default") return;
  if (kind == "linear") {
    scaling.kind = Kind::linear;
    scaling.factor = rope.at("factor").positive_number();
  } else if (kind == "dynamic") {
    rope.at("factor").positive_number();  // of longer sequences
    scaling.longest = section.shape.max_positions;
  } else if (kind == "llama3") {
    scaling.kind = Kind::llama3;
    read_llama3(section, rotary);
  } else if (kind == "yarn") {
    scaling.kind = Kind::yarn;
    read_yarn(section, rotary);
  } else if (kind == "longrope") {
    scaling.kind = Kind::longrope;
    read_longrope(section, rotary);
  } else {
    rope.at(key).fail("default, linear, dynamic, llama3, yarn or longrope");
  }
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
  shape.num_key_value_heads = positive_integer_or(
      config, "num_key_value_heads", defaults.key_value_heads > 0 ? defaults.key_value_heads : shape.num_heads);
  shape.max_positions = positive_integer_or(config, "max_position_embeddings", defaults.max_positions);
  shape.tied_head = config.boolean_or("tie_word_embeddings", defaults.tied);
  shape.gated = defaults.gated;
  std::optional<std::int64_t> head_dim;
  if (config.has("head_dim")) {
    head_dim = positive_integer(config.at("head_dim"));
  } else if (defaults.head_dim > 0) {
    head_dim = defaults.head_dim;
  }
  complete_heads(config, shape, head_dim);
  return shape;
}

ModelShape read_gpt_shape(const JsonReader& config, const ShapeDefaults& defaults) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = positive_integer(config.at("n_embd"));
  shape.intermediate_size = positive_integer_or(config, "n_inner", 4 * shape.hidden_size);
  shape.num_layers = positive_integer(config.at("n_layer"));
  shape.num_heads = shape.num_key_value_heads = positive_integer(config.at("n_head"));
  shape.max_positions = positive_integer_or(config, "n_positions", defaults.max_positions);
  shape.tied_head = config.boolean_or("tie_word_embeddings", defaults.tied);
  shape.gated = defaults.gated;
  complete_heads(config, shape, std::nullopt);
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

Rotary read_rotary_section(const JsonReader& rope, const ModelShape& shape, const RotaryDefaults& defaults) {
  const double share = rope.positive_number_or("partial_rotary_factor", defaults.share);
  Rotary rotary{.theta = rope.positive_number_or("rope_theta", defaults.theta),
                .width = rotated_width(rope, "partial_rotary_factor", shape.head_dim, share)};
  const double original = defaults.original_positions.value_or(
      rope.positive_number_or("original_max_position_embeddings", static_cast<double>(shape.max_positions)));
  read_scaling({rope, shape, original}, defaults.yarn_is_longrope, rotary);
  return rotary;
}

Rotary read_rotary(const JsonReader& config, const ModelShape& shape, const RotaryDefaults& defaults) {
  const double theta = config.positive_number_or(defaults.theta_key, defaults.theta);
  const double share = config.positive_number_or(defaults.share_key, defaults.share);
  std::optional<double> original = defaults.original_positions;
  if (const auto found = config.find("original_max_position_embeddings")) original = found->positive_number();
  for (const char* const key : {"rope_parameters", "rope_scaling"}) {
    if (!config.has(key)) continue;
    return read_rotary_section(config.at(key), shape,
                               {.theta = theta,
                                .share = share,
                                .original_positions = original,
                                .yarn_is_longrope = defaults.yarn_is_longrope});
  }
  return {.theta = theta, .width = rotated_width(config, defaults.share_key, shape.head_dim, share)};
}

void set_rotaries(DecoderConfig& decoder, std::vector<Rotary> rotaries) {
  decoder.rotaries = std::move(rotaries);
  for (const Rotary& rotary : decoder.rotaries) {
    if (rotary.scaling.longest == 0) continue;
    decoder.bounded_positions = true;
    decoder.shape.max_positions = std::min(decoder.shape.max_positions, rotary.scaling.longest);
  }
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

const char* experts_key(const JsonReader& config) {
  return config.has("num_local_experts") ? "num_local_experts" : "num_experts";
}

double read_coefficient(const JsonReader& coefficient) {
  const double value = coefficient.number("a number, at least 0");
  if (value < 0) coefficient.fail("a number, at least 0");
  return value;
}

void set_experts(const JsonReader& config, DecoderConfig& decoder, Experts experts) {
  constexpr std::int64_t kMaxExperts = 10'000, kMaxWidth = 1 << 20;
  if (experts.count > kMaxExperts)
    config.at(experts_key(config)).fail("at most " + std::to_string(kMaxExperts), std::to_string(experts.count));
  if (experts.per_token > experts.count)
    config.at("num_experts_per_tok")
        .fail("at most " + std::to_string(experts.count), std::to_string(experts.per_token));
  if (std::max(experts.width, experts.shared_width) > kMaxWidth)
    config.fail("experts of at most " + std::to_string(kMaxWidth) + " columns",
                std::to_string(std::max(experts.width, experts.shared_width)));
  if (config.has("router_aux_loss_coef")) experts.balance_coef = read_coefficient(config.at("router_aux_loss_coef"));
  experts.dense_width = decoder.shape.intermediate_size;
  decoder.shape.intermediate_size = experts.count * experts.width + experts.shared_width;
  decoder.shape.num_experts = experts.count;
  decoder.shape.active_size = experts.per_token * experts.width + experts.shared_width;
  decoder.experts = experts;
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
