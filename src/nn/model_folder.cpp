// Reads config.json and the other JSON files of a model folder.
#include "rlhf/nn/model_folder.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/io/foreign_folder.h"
#include "rlhf/io/model_json.h"

#include "nn/adapter_folder.h"
#include "nn/families/families.h"
#include "nn/families/llama.h"
#include "nn/lora.h"
#include "nn/recipe.h"
#include "nn/weight_files.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// `eos_token_id` is a number, a list, or null.
void add_eos_ids(const JsonReader& config, TokenIds& ids) {
  const auto value = config.find("eos_token_id");
  if (!value) return;
  const auto add = [&](const JsonReader& id) {
    const std::int32_t number = token_id(id, "a token id or a list of them");
    if (std::find(ids.begin(), ids.end(), number) == ids.end()) ids.push_back(number);
  };
  if (!value->is_list()) return add(*value);
  value->for_each_item(add);
}

/// The number of labels of a classification head. The default of `transformers` is two.
std::int64_t count_labels(const JsonReader& config) {
  if (config.has("num_labels")) return positive_integer(config.at("num_labels"));
  if (!config.has("id2label")) return 2;
  return static_cast<std::int64_t>(config.at("id2label").object().size());
}

bool read_scalar_head(const JsonReader& config, const Family& family) {
  if (!config.has("architectures")) return false;
  const JsonReader architectures = config.at("architectures");
  const Json& listed = architectures.value();
  const std::string architecture = listed.is_array() && listed.size() == 1 && listed[0].is_string() ? listed[0] : "";
  if (architecture == family.causal_architecture || architecture == family.trunk_architecture) return false;
  if (architecture != family.scalar_architecture) {
    architectures.fail(family.causal_architecture + " or " + family.scalar_architecture);
  }
  const std::int64_t labels = count_labels(config);
  if (labels != 1) config.at("id2label").fail("1 label (a scalar head)", std::to_string(labels) + " labels");
  return true;
}

/// `transformers` scores at the last token that is not padding. If the pad id is EOS, that is the token before EOS.
std::optional<std::int32_t> find_padding_that_is_eos(const JsonReader& config, const ModelFolder& folder) {
  if (!folder.scalar_head || !config.has("pad_token_id")) return std::nullopt;
  const std::int32_t id = token_id(config.at("pad_token_id"));
  const bool is_eos = std::find(folder.eos_ids.begin(), folder.eos_ids.end(), id) != folder.eos_ids.end();
  return is_eos ? std::optional(id) : std::nullopt;
}

/// What rlhf.json says; an adapter has no config.json for the numbers of a reward model.
void read_own_file(const fs::path& path, ModelFolder& folder) {
  if (!is_there(path)) return;
  const Json json = read_model_json(path);
  const JsonReader ours = config_reader(json, path.string());
  if (ours.has("prompt_template")) folder.prompt_template = ours.string_or("prompt_template", "");
  if (const auto mean = ours.find("reward_mean")) {
    folder.reward_mean = mean->number();
    folder.padding_is_eos.reset();  // trained here, at EOS; the base keeps its pad id
  }
  if (const auto found = ours.find("reward_temperature")) folder.reward_temperature = found->positive_number();
}

void read_generation_config(const fs::path& path, ModelFolder& folder) {
  if (!is_there(path)) return;
  const Json generation = read_model_json(path);
  folder.generation_config_json = read_file(path, ExitCode::model);
  add_eos_ids(config_reader(generation, path.string()), folder.eos_ids);
}

void refuse_quantized(const JsonReader& config) {
  auto quantization = config.find("quantization_config");
  if (!quantization) quantization = config.find("quantization");  // MLX
  if (!quantization) return;
  const std::string method = quantization->is_object() ? quantization->string_or("quant_method", "") : "";
  quantization->fail("none", "quantized weights" + (method.empty() ? "" : " (" + shown_name(method) + ")") +
                                 "; hint: use the model's folder in bfloat16, float16 or float32");
}

/// "q_proj, k_proj, …"
std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// The folder of a whole model.
ModelFolder read_whole_folder(const fs::path& path) {
  if (!is_there(path / "config.json")) {
    throw ModelError("model folder " + path.string() + ": expected a folder with config.json, found " +
                     describe_foreign_folder(path));
  }
  const Json json = read_model_json(path / "config.json");
  const JsonReader config = config_reader(json, (path / "config.json").string());
  const Family& family = find_family(config);
  refuse_quantized(config);
  const DecoderConfig decoder = family.read_config(config);

  ModelFolder folder;
  folder.path = folder.base = path;
  folder.config_json = read_file(path / "config.json", ExitCode::model, kMaxModelFileBytes);
  folder.shape = decoder.shape;
  folder.scalar_head = folder.base_has_score = read_scalar_head(config, family);
  if (const auto mean = config.find("rlhf_reward_mean")) folder.reward_mean = mean->number();
  if (const auto found = config.find("rlhf_reward_temperature")) folder.reward_temperature = found->positive_number();
  add_eos_ids(config, folder.eos_ids);
  read_generation_config(path / "generation_config.json", folder);
  folder.padding_is_eos = find_padding_that_is_eos(config, folder);
  read_own_file(path / "rlhf.json", folder);
  // The dtype comes from the weight file, because that of config.json may be wrong.
  const WeightFiles files(path, decoder.names.base);
  if (const auto* const entry = files.find(decoder.names.embedding + ".weight")) folder.file_dtype = entry->dtype;
  return folder;
}

/// The folder of an adapter.
ModelFolder read_adapted_folder(const fs::path& path) {
  Adapter adapter = read_adapter(path);
  const fs::path base = find_base_of(adapter);
  const std::string where = (path / "adapter_config.json").string() + ": base_model_name_or_path: ";
  if (is_adapter_folder(base))
    throw ModelError(where + "expected a whole model, found another adapter in " + base.string() +
                     "; hint: merge that one into its base with rlhf-merge");
  ModelFolder folder;
  try {
    folder = read_whole_folder(base);
  } catch (const ModelError& error) {
    throw ModelError(where + error.what());
  }
  folder.path = path;
  folder.scalar_head = folder.scalar_head || adapter.has_score;
  if (adapter.has_score) folder.reward_mean = 0;  // the base's is that of another head
  const Json json = parse_model_json(folder.config_json, (base / "config.json").string());
  folder.padding_is_eos = find_padding_that_is_eos(config_reader(json, (base / "config.json").string()), folder);
  folder.reward_temperature.reset();  // that of the base
  if (is_there(path / "generation_config.json")) {
    folder.eos_ids.clear();
    read_generation_config(path / "generation_config.json", folder);
  }
  read_own_file(path / "rlhf.json", folder);
  folder.adapter = std::move(adapter);
  return folder;
}

}  // namespace

ModelFolder read_model_folder(const fs::path& path) {
  return is_adapter_folder(path) ? read_adapted_folder(path) : read_whole_folder(path);
}

fs::path ModelFolder::base_identity() const {
  std::error_code error;
  fs::path identity = fs::weakly_canonical(base, error);
  return error ? base : identity;
}

fs::path ModelFolder::tokenizer_path() const {
  const bool own = !adapter || adapter->path.empty() || is_there(path / "tokenizer.json") ||
                   is_there(path / "tokenizer.model") || is_there(path / "vocab.json");
  return own ? path : base;
}

void add_adapter(ModelFolder& folder, const LoraOptions& options) {
  const DecoderConfig config = read_recipe(folder).config;
  for (const std::string& target : options.targets) {
    if (targeted_layers(config, {target}).empty())
      throw ConfigError({"model.lora.targets: expected names of linear layers of " + folder.base.string() + " (" +
                         listed(layer_names(config)) + "), found " + target});
  }
  folder.adapter = Adapter{.options = options};
}

std::int64_t count_adapter_parameters(const ModelFolder& folder) {
  const LoraOptions& options = folder.adapter->options;
  if (!folder.adapter->path.empty()) return folder.adapter->elements;
  std::int64_t count = 0;
  for (const LinearLayer& layer : targeted_layers(read_recipe(folder).config, options.targets))
    for (const Parameter::Part& part : layer.parts) count += options.rank * (part.rows + layer.width);
  return count;
}

void grow_vocabulary(ModelFolder& folder, std::int64_t vocab_size) {
  if (vocab_size <= folder.shape.vocab_size) return;
  Json json = parse_model_json(folder.config_json, (folder.base / "config.json").string());
  json["vocab_size"] = vocab_size;
  folder.config_json = json.dump(2) + "\n";
  folder.stored_rows = folder.shape.vocab_size;
  folder.shape.vocab_size = vocab_size;
}

ModelFolder describe_new_model(const ModelInit& init, std::int64_t vocab_size, std::optional<std::int32_t> bos_id,
                               std::optional<std::int32_t> eos_id) {
  const Json json = make_llama_config(init, vocab_size, bos_id, eos_id);
  ModelFolder folder;
  try {
    folder.shape = llama_family().read_config(config_reader(json, "model.init")).shape;
  } catch (const ModelError& error) {
    throw ConfigError({error.what()});  // the sizes come from the config, not from a file
  }
  folder.config_json = json.dump(2) + "\n";
  if (eos_id) folder.eos_ids = {*eos_id};
  return folder;
}

}  // namespace rlhf
