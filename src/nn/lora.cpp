// The adapters of a decoder's linear layers.
#include "nn/lora.h"

#include <algorithm>
#include <cmath>

namespace rlhf {

double Adapter::scale() const {
  const auto rank = static_cast<double>(options.rank);
  return options.alpha / (options.rslora ? std::sqrt(rank) : rank);
}

std::string lora_a(const std::string& layer) { return layer + ".lora_A.weight"; }
std::string lora_b(const std::string& layer) { return layer + ".lora_B.weight"; }

std::optional<LowRank> make_low_rank(const LinearLayer& layer, const LoraSource& source, Parameters& parameters) {
  const std::int64_t rank = source.options.rank;
  Parameter a{.name = lora_a(layer.name)}, b{.name = lora_b(layer.name)};
  LowRank update{.scale = source.scale, .dropout = source.options.dropout};
  std::vector<at::Tensor> values_of_a, values_of_b;
  FileLayout rows_only = layer.layout;
  rows_only.transposed = false;
  std::int64_t begin = 0;
  for (const auto& [name, rows] : layer.parts) {
    if (source.wants(name)) {
      a.parts.push_back({lora_a(name), rank});
      b.parts.push_back({lora_b(name), rows});
      values_of_a.push_back(source.weights.read({lora_a(name), {rank, layer.width}}));
      values_of_b.push_back(from_file_layout(source.weights.read({lora_b(name), {rows, rank}}), rows_only));
      update.blocks.push_back({begin, rows});
    }
    begin += rows;
  }
  if (update.blocks.empty()) return std::nullopt;
  if (layer.parts.size() == 1) {
    a.parts.clear();
    b.parts.clear();
    b.layout = rows_only;
  }
  const auto place = [&](Parameter& parameter, const std::vector<at::Tensor>& values) {
    Weight weight = source.weights.place(values);
    parameter.value = std::move(weight.leaf);
    parameter.master = std::move(weight.master);
    parameters.push_back(parameter);
    return parameter.value;
  };
  update.a = place(a, values_of_a);
  update.b = place(b, values_of_b);
  return update;
}

bool is_target(const std::string& layer, const std::string& target) {
  return layer == target || layer.ends_with("." + target);
}

std::vector<LinearLayer> targeted_layers(const DecoderConfig& config, const std::vector<std::string>& targets) {
  std::vector<LinearLayer> result;
  for (std::int64_t number = 0; number < config.shape.num_layers; ++number) {
    const LayerLinears linears = linear_layers(config, number);
    for (const LinearLayer* layer : {&linears.query_key_value, &linears.output, &linears.gate_up, &linears.down}) {
      LinearLayer wanted = *layer;
      std::erase_if(wanted.parts, [&](const Parameter::Part& part) {
        return !targets.empty() &&
               std::ranges::none_of(targets, [&](const auto& t) { return is_target(part.name, t); });
      });
      if (!wanted.parts.empty()) result.push_back(std::move(wanted));
    }
  }
  return result;
}

std::set<std::string> layer_names(const DecoderConfig& config) {
  std::set<std::string> names;
  for (const LinearLayer& layer : targeted_layers(config, {}))
    for (const Parameter::Part& part : layer.parts) names.insert(part.name.substr(part.name.rfind('.') + 1));
  return names;
}

}  // namespace rlhf
