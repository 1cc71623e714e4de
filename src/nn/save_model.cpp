// Writes models as Hugging Face folders.
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/nn/model_folder.h"

#include "nn/families/family.h"

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
      RLHF_CHECK(false, "no model file has dtype ", at::toString(dtype));
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
}

NamedTensors cast_all(const NamedTensors& weights, at::ScalarType dtype) {
  NamedTensors result;
  for (const auto& [name, tensor] : weights) result.emplace_back(name, tensor.detach().to(dtype));
  return result;
}

void save_folder(const ModelFolder& source, const Json& config, const NamedTensors& weights, const SaveOptions& options,
                 const fs::path& path) {
  write_folder_atomically(path, [&](const fs::path& folder) {
    write_file_atomically(folder / "config.json", config.dump(2) + "\n");
    write_safetensors(folder / "model.safetensors", cast_all(weights, options.dtype), {{"format", "pt"}});
    write_side_files(options.tokenizer_files, folder);
    if (!source.generation_config_json.empty())
      write_file_atomically(folder / "generation_config.json", source.generation_config_json);
    if (!options.chat_template.empty()) write_file_atomically(folder / "chat_template.jinja", options.chat_template);
    if (options.prompt_template.empty()) return;
    write_file_atomically(folder / "rlhf.json", Json{{"prompt_template", options.prompt_template}}.dump(2) + "\n");
  });
}

/// Training texts end with the tokenizer's EOS, which can come from another folder than the model.
void patch_eos(Json& config, const ModelFolder& source, std::optional<std::int32_t> eos_id) {
  if (eos_id && std::find(source.eos_ids.begin(), source.eos_ids.end(), *eos_id) == source.eos_ids.end())
    config["eos_token_id"] = *eos_id;
}

struct SourceConfig {
  Json json;
  const Family& family;
};
SourceConfig parse_source(const ModelFolder& source) {
  Json json = parse_model_json(source.config_json, (source.path / "config.json").string());
  const Family& family = find_family(config_reader(json, (source.path / "config.json").string()));
  return {std::move(json), family};
}

}  // namespace

void save_causal_lm(const ModelFolder& source, const NamedTensors& weights, const SaveOptions& options,
                    const fs::path& path) {
  auto [config, family] = parse_source(source);
  config["architectures"] = {family.causal_architecture};
  patch_dtype(config, options.dtype);
  patch_eos(config, source, options.eos_id);
  save_folder(source, config, weights, options, path);
}

void save_scalar_model(const ModelFolder& source, const NamedTensors& weights, double reward_mean,
                       const SaveOptions& options, const fs::path& path) {
  auto [config, family] = parse_source(source);
  config["architectures"] = {family.scalar_architecture};
  patch_dtype(config, options.dtype);
  patch_eos(config, source, options.eos_id);
  patch_scalar_head(config, reward_mean, options.pad_id);
  save_folder(source, config, weights, options, path);
}

}  // namespace rlhf
