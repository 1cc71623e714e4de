// Finds the family of a model by model_type.
#include "nn/families/family.h"

#include <vector>

#include "nn/families/families.h"

namespace rlhf {

const Family& find_family(const JsonReader& config) {
  static const std::vector<Family> families = {llama_family(), mistral_family(),  qwen2_family(),  qwen3_family(),
                                               phi3_family(),  gemma_family(),    gemma2_family(), gemma3_family(),
                                               gpt2_family(),  gpt_neox_family(), opt_family()};
  const std::string model_type = config.string_or("model_type", "");
  std::string known;
  for (const Family& family : families) {
    if (family.model_type == model_type) return family;
    known += (known.empty() ? "" : ", ") + family.model_type;
  }
  config.at("model_type").fail("one of: " + known);
}

}  // namespace rlhf
