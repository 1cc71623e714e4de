// Reads config.json and the other JSON files of a model folder.
#include "rlhf/nn/model_folder.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/io/foreign_folder.h"
#include "rlhf/io/model_json.h"

#include "nn/families/families.h"
#include "nn/families/llama.h"
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

std::optional<std::string> read_prompt_template(const fs::path& path) {
  if (!is_there(path)) return std::nullopt;
  const Json json = read_model_json(path);
  const JsonReader ours = config_reader(json, path.string());
  return ours.has("prompt_template") ? std::optional(ours.string_or("prompt_template", "")) : std::nullopt;
}

void refuse_quantized(const JsonReader& config) {
  auto quantization = config.find("quantization_config");
  if (!quantization) quantization = config.find("quantization");  // MLX
  if (!quantization) return;
  const std::string method = quantization->is_object() ? quantization->string_or("quant_method", "") : "";
  quantization->fail("none", "quantized weights" + (method.empty() ? "" : " (" + shown_name(method) + ")") +
                                 "; hint: use the model's folder in bfloat16, float16 or float32");
}

}  // namespace

ModelFolder read_model_folder(const fs::path& path) {
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
  folder.path = path;
  folder.config_json = read_file(path / "config.json", ExitCode::model, kMaxModelFileBytes);
  folder.shape = decoder.shape;
  folder.scalar_head = read_scalar_head(config, family);
  if (const auto mean = config.find("rlhf_reward_mean")) folder.reward_mean = mean->number();
  if (const auto found = config.find("rlhf_reward_temperature")) folder.reward_temperature = found->positive_number();
  add_eos_ids(config, folder.eos_ids);
  if (is_there(path / "generation_config.json")) {
    const std::string where = (path / "generation_config.json").string();
    const Json generation = read_model_json(where);
    folder.generation_config_json = read_file(where, ExitCode::model);
    add_eos_ids(config_reader(generation, where), folder.eos_ids);
  }
  folder.padding_is_eos = find_padding_that_is_eos(config, folder);
  folder.prompt_template = read_prompt_template(path / "rlhf.json");
  // The dtype comes from the weight file, because that of config.json may be wrong.
  const WeightFiles files(path, decoder.names.base);
  if (const auto* const entry = files.find(decoder.names.embedding + ".weight")) folder.file_dtype = entry->dtype;
  return folder;
}

void grow_vocabulary(ModelFolder& folder, std::int64_t vocab_size) {
  if (vocab_size <= folder.shape.vocab_size) return;
  Json json = parse_model_json(folder.config_json, (folder.path / "config.json").string());
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
