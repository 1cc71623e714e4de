// The mean of the weights of models.
#include "rlhf/nn/average_models.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/nn/model_folder.h"

#include "nn/weight_files.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;

constexpr const char* kHint = "; hint: average models that were trained from the same one";
/// The keys of config.json that say nothing about what a model computes.
constexpr std::array<std::string_view, 7> kFreeKeys = {
    "_name_or_path",        "dtype",    "rlhf_reward_mean", "rlhf_reward_temperature", "torch_dtype",
    "transformers_version", "use_cache"};
constexpr const char* kChatTemplates = "additional_chat_templates";

std::string shown(const std::vector<std::int64_t>& sizes) { return nlohmann::json(sizes).dump(); }

/// Checks that `other` has the tensors of `first`.
void expect_same_tensors(const WeightFiles& first, const WeightFiles& other, const fs::path& folder) {
  const auto fail = [&](const std::string& name, const std::string& expected, const std::string& found) {
    throw ModelError(folder.string() + ": " + shown_name(name) + ": expected " + expected +
                     ", as in the first model, found " + found + kHint);
  };
  for (const auto& [name, file] : other.tensors())
    if (!first.tensors().contains(name)) fail(name, "no such tensor", "one");
  for (const auto& [name, file] : first.tensors()) {
    const SafetensorsFile::Entry* const found = other.find(name);
    const std::vector<std::int64_t>& sizes = file->entries().at(name).sizes;
    if (found == nullptr) fail(name, "a tensor " + shown(sizes), "none");
    if (found->sizes != sizes) fail(name, shown(sizes), shown(found->sizes));
  }
}

Json config_of(const ModelFolder& model) {
  return parse_model_json(model.config_json, (model.path / "config.json").string());
}

/// The first key that says what a model computes and whose values differ, or "".
std::string different_key(const Json& first, const Json& other) {
  for (const Json* const config : {&first, &other})
    for (const auto& [key, value] : config->items())
      if (std::find(kFreeKeys.begin(), kFreeKeys.end(), key) == kFreeKeys.end() &&
          first.value(key, Json()) != other.value(key, Json()))
        return key;
  return "";
}

Json template_of(const ModelFolder& model) { return model.prompt_template ? Json(*model.prompt_template) : Json(); }

/// Checks that `other` does with its weights what `first` does.
void expect_same_computation(const ModelFolder& first, const ModelFolder& other) {
  const auto fail = [&](const char* file, const std::string& key, const Json& expected, const Json& found) {
    throw ModelError((other.path / file).string() + ": " + shown_name(key) + ": expected " + shown_json(expected) +
                     ", as in the first model, found " + shown_json(found) + kHint);
  };
  const Json expected = config_of(first), found = config_of(other);
  if (const std::string key = different_key(expected, found); !key.empty())
    fail("config.json", key, expected.value(key, Json()), found.value(key, Json()));
  if (first.prompt_template != other.prompt_template)
    fail("rlhf.json", "prompt_template", template_of(first), template_of(other));
}

struct Mean {
  NamedTensors weights;
  double distance = 0;  ///< see average_models()
};

Mean mean_of(const std::vector<WeightFiles>& models) {
  Mean mean;
  double norm = 0;
  std::vector<double> distances(models.size(), 0);
  for (const auto& [name, file] : models.front().tensors()) {
    const auto weights = [&](std::size_t k) { return models[k].tensor(name).to(at::kDouble); };
    at::Tensor sum = weights(0).clone();
    for (std::size_t k = 1; k < models.size(); ++k) sum.add_(weights(k));
    const at::Tensor exact = sum.div_(static_cast<double>(models.size()));
    norm += exact.square().sum().item<double>();
    for (std::size_t k = 0; k < models.size(); ++k) distances[k] += weights(k).sub(exact).square().sum().item<double>();
    mean.weights.emplace_back(name, exact.to(file->entries().at(name).dtype));
  }
  const double largest = *std::max_element(distances.begin(), distances.end());
  mean.distance = largest > 0 ? std::sqrt(largest / norm) : 0;
  return mean;
}

/// config.json of the first model with the mean of rlhf_reward_mean.
std::string mean_config(const std::vector<ModelFolder>& models) {
  Json config = config_of(models.front());
  config.erase("rlhf_reward_temperature");
  if (!models.front().scalar_head) return config.dump(2) + "\n";
  double sum = 0;
  for (const ModelFolder& model : models) sum += model.reward_mean;
  config["rlhf_reward_mean"] = sum / static_cast<double>(models.size());
  return config.dump(2) + "\n";
}

bool is_weight_file(const fs::path& file) {
  return file.extension() == ".safetensors" || file.filename() == "model.safetensors.index.json";
}

}  // namespace

double average_models(const std::vector<fs::path>& folders, const fs::path& output) {
  check_argument(folders.size() >= 2, "folders", "at least 2", folders.size());
  if (is_there(output)) throw OutputError(output.string() + ": expected a new folder, found one that is there");
  std::vector<ModelFolder> models;
  std::vector<WeightFiles> weights;
  for (const fs::path& folder : folders) {
    models.push_back(read_model_folder(folder));
    weights.emplace_back(models.back().path, "");
    expect_same_tensors(weights.front(), weights.back(), folder);
    expect_same_computation(models.front(), models.back());
  }
  const Mean mean = mean_of(weights);
  write_folder_atomically(output, [&](const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(models.front().path))
      if (entry.is_regular_file() && !is_weight_file(entry.path()) && entry.path().filename() != "config.json")
        fs::copy_file(entry.path(), folder / entry.path().filename());
    if (const fs::path more = models.front().path / kChatTemplates; is_there(more))
      fs::copy(more, folder / kChatTemplates, fs::copy_options::recursive);
    write_file_atomically(folder / "config.json", mean_config(models));
    write_safetensors(folder / "model.safetensors", mean.weights, {{"format", "pt"}});
  });
  return mean.distance;
}

}  // namespace rlhf
