// Reads and writes the folders of PEFT's adapters.
#include "nn/adapter_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <system_error>

#include <ATen/ops/mm.h>
#include <c10/util/accumulate.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/model_path.h"

#include "nn/config_reader.h"
#include "nn/file_weights.h"
#include "nn/lora.h"
#include "nn/recipe.h"
#include "nn/saved_files.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";
constexpr const char* kScore = "score.weight";
const std::string kPrefix = "base_model.model.";  // of every name in the file

bool says_nothing(const Json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty());
}

/// Refuses what changes the computation. Keys that this list does not have do not, or only during training.
void refuse_other_kinds(const JsonReader& config) {
  if (config.string_or("peft_type", "") != "LORA") config.at("peft_type").fail("\"LORA\"");
  if (config.string_or("bias", "none") != "none") config.at("bias").fail("\"none\"");
  constexpr std::array<const char*, 9> kOff = {"use_dora",        "use_qalora",        "lora_bias",
                                               "rank_pattern",    "alpha_pattern",     "layer_replication",
                                               "megatron_config", "target_parameters", "trainable_token_indices"};
  for (const char* key : kOff) {
    const auto found = config.find(key);
    if (!found || says_nothing(found->value())) continue;
    const bool dora = std::string_view(key) == "use_dora";
    found->fail("none", shown_json(found->value()) + (dora ? ", a DoRA adapter" : "") +
                            "; hint: merge the adapter with PEFT's merge_and_unload()");
  }
  if (const auto init = config.find("init_lora_weights"); init && init->is_string()) {
    // PiSSA, OLoRA, CorDA and LoftQ also change the weights of the base.
    constexpr std::array<std::string_view, 4> kKeepsBase = {"gaussian", "eva", "orthogonal", "lora_ga"};
    if (std::ranges::find(kKeepsBase, init->string()) == kKeepsBase.end())
      init->fail("an initialisation that keeps the weights of the base model");
  }
  if (const auto saved = config.find("modules_to_save")) {
    saved->for_each_item([](const JsonReader& module) {
      if (module.string() != "score" && module.string() != "classifier") module.fail("\"score\"");
    });
  }
}

bool is_merged_folder(const fs::path& path) {
  return is_there(path / "model.safetensors") || is_there(path / "model.safetensors.index.json");
}

SafetensorsFile open_weights(const Adapter& adapter) {
  if (is_there(adapter.path / kWeights)) return SafetensorsFile(adapter.path / kWeights);
  const bool pickled = is_there(adapter.path / "adapter_model.bin");
  throw ModelError("adapter " + adapter.path.string() + ": expected " + kWeights + ", found " +
                   (pickled
                        ? "pickled weights (adapter_model.bin), which can execute code; hint: save the adapter again "
                          "with a current PEFT"
                        : "none"));
}

std::vector<std::string> target_modules(const ModelFolder& source) {
  const auto& targets = source.adapter->options.targets;
  if (!targets.empty()) return targets;
  const std::set<std::string> names = layer_names(read_recipe(source).config);
  return {names.begin(), names.end()};
}

/// An id if the base is in the cache of huggingface_hub, otherwise its absolute path.
std::string name_of_base(const fs::path& base) {
  const std::string id = model_id_of(base);
  std::error_code error;
  const fs::path absolute = fs::absolute(base, error).lexically_normal();
  return !id.empty() ? id : error ? base.string() : absolute.string();
}

Json whole_if_possible(double number) {
  return number == std::floor(number) ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

/// A new adapter_config.json with the keys that PEFT writes.
Json new_config(const ModelFolder& source) {
  const LoraOptions& options = source.adapter->options;
  return {{"alpha_pattern", Json::object()},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", name_of_base(source.base)},
          {"bias", "none"},
          {"fan_in_fan_out", read_recipe(source).config.transposed_weights},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layers_pattern", nullptr},
          {"layers_to_transform", nullptr},
          {"lora_alpha", whole_if_possible(options.alpha)},
          {"lora_dropout", options.dropout},
          {"modules_to_save", nullptr},
          {"peft_type", "LORA"},
          {"r", options.rank},
          {"rank_pattern", Json::object()},
          {"revision", nullptr},
          {"target_modules", target_modules(source)},
          {"task_type", nullptr},
          {"use_dora", false},
          {"use_rslora", options.rslora}};
}

Json config_to_save(const ModelFolder& source, bool scalar) {
  const Adapter& adapter = *source.adapter;
  Json config = adapter.config_json.empty() ? new_config(source)
                                            : parse_model_json(adapter.config_json, (adapter.path / kConfig).string());
  config["base_model_name_or_path"] = name_of_base(source.base);
  config["task_type"] = scalar ? "SEQ_CLS" : "CAUSAL_LM";
  config["modules_to_save"] = scalar ? Json{"score"} : Json(nullptr);
  config["inference_mode"] = true;
  return config;
}

}  // namespace

bool is_adapter_folder(const fs::path& path) { return is_there(path / kConfig) && !is_merged_folder(path); }

Adapter read_adapter(const fs::path& path) {
  const fs::path file = path / kConfig;
  Adapter adapter{.path = path, .config_json = read_file(file, ExitCode::model, kMaxModelFileBytes)};
  const Json json = parse_model_json(adapter.config_json, file.string());
  const JsonReader config = config_reader(json, file.string());
  refuse_other_kinds(config);
  adapter.base_name = config.at("base_model_name_or_path").string("the path or id of the base model");
  adapter.options.rank = positive_integer(config.at("r"));
  adapter.options.alpha = config.at("lora_alpha").positive_number();
  adapter.options.rslora = config.boolean_or("use_rslora", false);
  if (const auto dropout = config.find("lora_dropout")) adapter.options.dropout = dropout->number();
  if (adapter.options.dropout < 0 || adapter.options.dropout >= 1)
    config.at("lora_dropout").fail("a number from 0 to below 1");
  const SafetensorsFile weights = open_weights(adapter);
  adapter.has_score = weights.entries().contains(kPrefix + kScore);
  for (const auto& [name, entry] : weights.entries())
    if (name != kPrefix + kScore) adapter.elements += c10::multiply_integers(entry.sizes);
  return adapter;
}

fs::path find_base_of(const Adapter& adapter) {
  const std::string& base = adapter.base_name;
  if (const fs::path below = adapter.path / base; !base.empty() && is_there(below / "config.json")) return below;
  return find_model(base);
}

AdapterWeights::AdapterWeights(const Adapter& adapter)
    : file_(open_weights(adapter)),
      where_("adapter " + adapter.path.string()),
      scale_(adapter.scale()),
      rank_(adapter.options.rank) {}

bool AdapterWeights::adapts(const std::string& layer) const {
  return file_.entries().contains(kPrefix + lora_a(layer)) || file_.entries().contains(kPrefix + lora_b(layer));
}

at::Tensor AdapterWeights::read(const WeightRequest& request) {
  const std::string name = kPrefix + request.name;
  if (!file_.entries().contains(name)) throw ModelError(where_ + ": " + name + ": expected this tensor, found none");
  at::Tensor values = read_checked(file_, name, request.sizes, where_ + ": " + name, "the base model and r");
  read_.insert(name);
  return values;
}

at::Tensor AdapterWeights::merged(const at::Tensor& weight, const std::string& layer, bool transposed) {
  const std::int64_t rows = weight.size(transposed ? 1 : 0), width = weight.size(transposed ? 0 : 1);
  const at::Tensor a = read({lora_a(layer), {rank_, width}}).to(at::kFloat);
  const at::Tensor b = read({lora_b(layer), {rows, rank_}}).to(at::kFloat);
  const at::Tensor delta = at::mm(b, a).mul_(scale_);
  return weight.to(at::kFloat).add(transposed ? delta.t() : delta);
}

void AdapterWeights::refuse_leftovers() const {
  for (const auto& [name, entry] : file_.entries())
    if (!read_.contains(name) && name != kPrefix + kScore)
      throw ModelError(where_ + ": " + shown_name(name) +
                       ": expected a low-rank update of a linear layer of the base model, found another tensor");
}

void save_adapter(const ModelFolder& source, const TensorStream& weights, std::optional<double> reward_mean,
                  const SaveOptions& options, const fs::path& path) {
  NamedTensors named;
  for (const auto& [name, tensor] : weights.described()) named.emplace_back(kPrefix + name, tensor);
  const TensorStream renamed(std::move(named), [&weights](const TensorStream::Take& take) { weights.give(take); });
  SavedFiles files{kConfig, config_to_save(source, reward_mean.has_value()), kWeights};
  if (reward_mean) files.ours["reward_mean"] = *reward_mean;
  const Json model = parse_model_json(source.config_json, (source.base / "config.json").string());
  write_files(source, model, std::move(files), renamed, options, path);
}

}  // namespace rlhf
