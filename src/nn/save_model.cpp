// Writes models as Hugging Face folders.
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/nn/model_folder.h"

#include "nn/adapter_folder.h"
#include "nn/families/family.h"
#include "nn/saved_files.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      throw ArgumentError(std::string("dtype: expected one of model files (float32, bfloat16, float16), found ") +
                          at::toString(dtype));
  }
}

/// The key of the dtype: `dtype` since version 5 of `transformers`, `torch_dtype` before.
void patch_dtype(Json& config, at::ScalarType dtype) {
  if (config.contains("dtype")) config["dtype"] = dtype_name(dtype);
  if (config.contains("torch_dtype") || !config.contains("dtype")) config["torch_dtype"] = dtype_name(dtype);
}

/// `transformers` scores at the last token that is not padding, so a scalar model needs a pad id other than EOS.
void patch_scalar_head(Json& config, double reward_mean, std::optional<std::int32_t> pad_id) {
  config["id2label"] = {{"0", "LABEL_0"}};
  config["label2id"] = {{"LABEL_0", 0}};
  if (config.contains("num_labels")) config["num_labels"] = 1;
  if (pad_id) config["pad_token_id"] = *pad_id;
  config["rlhf_reward_mean"] = reward_mean;
  config.erase("rlhf_reward_temperature");  // that of the source
}

bool says_stops(const ModelFolder& source, const TokenIds& stop_ids) {
  return stop_ids.empty() ||
         std::set(stop_ids.begin(), stop_ids.end()) == std::set(source.eos_ids.begin(), source.eos_ids.end());
}

/// `generate` of transformers and other programs stop at `eos_token_id`, an id or a list.
void set_stops(Json& json, const TokenIds& stop_ids) {
  json["eos_token_id"] = stop_ids.size() == 1 ? Json(stop_ids.front()) : Json(stop_ids);
}

/// The text of generation_config.json: that of the source, with the stop ids if the source has others. Where there is
/// none, `generate` of transformers reads the ids of config.json, so a new file has those too.
std::string generation_config(const ModelFolder& source, const Json& config, const TokenIds& stop_ids) {
  if (says_stops(source, stop_ids)) return source.generation_config_json;
  const std::string& text = source.generation_config_json;
  Json generation = Json::object();
  if (text.empty()) {
    for (const char* key : {"bos_token_id", "pad_token_id"})
      if (config.contains(key)) generation[key] = config.at(key);
  } else {
    generation = parse_model_json(text, (source.path / "generation_config.json").string());
  }
  set_stops(generation, stop_ids);
  return generation.dump(2) + "\n";
}

struct SourceConfig {
  Json json;
  const Family& family;
};
SourceConfig parse_source(const ModelFolder& source) {
  Json json = parse_model_json(source.config_json, (source.base / "config.json").string());
  const Family& family = find_family(config_reader(json, (source.base / "config.json").string()));
  return {std::move(json), family};
}

}  // namespace

void write_files(const ModelFolder& source, const Json& model, SavedFiles files, const TensorStream& weights,
                 const SaveOptions& options, const fs::path& path) {
  if (!options.prompt_template.empty()) files.ours["prompt_template"] = options.prompt_template;
  write_folder_atomically(path, [&](const fs::path& folder) {
    write_file_atomically(folder / files.config_name, files.config.dump(2) + "\n");
    write_safetensors(folder / files.weights_name, weights.to(options.dtype), {{"format", "pt"}});
    write_side_files(options.tokenizer_files, folder);
    const std::string generation = generation_config(source, model, options.stop_ids);
    if (!generation.empty()) write_file_atomically(folder / "generation_config.json", generation);
    if (!files.ours.empty()) write_file_atomically(folder / "rlhf.json", files.ours.dump(2) + "\n");
  });
}

fs::path keep_reward_temperature(const fs::path& folder, double temperature) {
  const bool adapter = is_adapter_folder(folder);
  const fs::path file = folder / (adapter ? "rlhf.json" : "config.json");
  Json json = adapter && !is_there(file) ? Json::object() : read_model_json(file);
  json[adapter ? "reward_temperature" : "rlhf_reward_temperature"] = temperature;
  write_file_atomically(file, json.dump(2) + "\n");
  return file;
}

void save_causal_lm(const ModelFolder& source, const TensorStream& weights, const SaveOptions& options,
                    const fs::path& path) {
  if (source.adapter) return save_adapter(source, weights, /*reward_mean=*/std::nullopt, options, path);
  auto [config, family] = parse_source(source);
  config["architectures"] = {family.causal_architecture};
  patch_dtype(config, options.dtype);
  if (!says_stops(source, options.stop_ids)) set_stops(config, options.stop_ids);
  write_files(source, config, {"config.json", config, "model.safetensors"}, weights, options, path);
}

void save_scalar_model(const ModelFolder& source, const TensorStream& weights, double reward_mean,
                       const SaveOptions& options, const fs::path& path) {
  if (source.adapter) return save_adapter(source, weights, reward_mean, options, path);
  auto [config, family] = parse_source(source);
  config["architectures"] = {family.scalar_architecture};
  patch_dtype(config, options.dtype);
  if (!says_stops(source, options.stop_ids)) set_stops(config, options.stop_ids);
  patch_scalar_head(config, reward_mean, options.pad_id);
  write_files(source, config, {"config.json", config, "model.safetensors"}, weights, options, path);
}

}  // namespace rlhf
