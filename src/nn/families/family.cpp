// Finds the family of a model by model_type.
#include "nn/families/family.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "nn/families/families.h"

namespace rlhf {
namespace {

/// What a config.json of no supported family describes, if its keys say so; continues "found ".
std::string describe_other_model(const JsonReader& config, const std::string& model_type) {
  static constexpr std::array<std::string_view, 11> kEncoders = {"bert",       "roberta",   "distilbert", "albert",
                                                                 "electra",    "deberta",   "deberta-v2", "xlm-roberta",
                                                                 "modernbert", "camembert", "mpnet"};
  const std::string found = shown_json(model_type);
  const auto has_any = [&](std::initializer_list<const char*> keys) {
    return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return config.has(key); });
  };
  if (std::find(kEncoders.begin(), kEncoders.end(), model_type) != kEncoders.end())
    return found + ", an encoder, which cannot continue a text";
  if (config.boolean_or("is_encoder_decoder", false)) return found + ", an encoder and decoder";
  if (has_any({"vision_config", "audio_config", "text_config", "thinker_config"}))
    return found + ", a model of images or sound and text; hint: use a text-only model of the series";
  if (has_any({"num_experts", "num_local_experts", "n_routed_experts", "moe_intermediate_size"}))
    return found + ", a mixture of experts";
  return found;
}

}  // namespace

const Family& find_family(const JsonReader& config) {
  static const std::vector<Family> families = {
      llama_family(),      mistral_family(), qwen2_family(),     qwen3_family(),     phi3_family(),
      gemma_family(),      gemma2_family(),  gemma3_family(),    gpt2_family(),      gpt_neox_family(),
      opt_family(),        olmo2_family(),   olmo3_family(),     smollm3_family(),   granite_family(),
      starcoder2_family(), phi_family(),     cohere_family(),    gptj_family(),      falcon_family(),
      bloom_family(),      mixtral_family(), qwen2_moe_family(), qwen3_moe_family(), olmoe_family()};
  const std::string model_type = config.string_or("model_type", "");
  std::string known;
  for (const Family& family : families) {
    if (family.model_type == model_type) return family;
    known += (known.empty() ? "" : ", ") + family.model_type;
  }
  const JsonReader found = config.at("model_type");
  if (model_type.empty()) found.fail("one of: " + known);
  found.fail("one of: " + known, describe_other_model(config, model_type));
}

}  // namespace rlhf
