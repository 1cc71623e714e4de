// Reads from config.json how a decoder is built.
#include "nn/recipe.h"

#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/io/model_json.h"

#include "nn/config_reader.h"
#include "nn/families/family.h"

namespace rlhf {

DecoderRecipe read_recipe(const ModelFolder& folder) {
  const std::string where = (folder.base / "config.json").string();
  const auto json = parse_model_json(folder.config_json, where);
  const JsonReader config = config_reader(json, where);
  // OPT has another name for it.
  const char* const key = config.has("init_std") ? "init_std" : "initializer_range";
  return {find_family(config).read_config(config), config.positive_number_or(key, 0.02)};
}

}  // namespace rlhf
