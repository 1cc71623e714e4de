// The mean of the weights of models.
#include "rlhf/nn/average_models.h"

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/model_folder.h"

#include "nn/weight_files.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kChatTemplates = "additional_chat_templates";

std::string shown(const std::vector<std::int64_t>& sizes) { return nlohmann::json(sizes).dump(); }

/// Checks that `other` has the tensors of `first`.
void expect_same_tensors(const WeightFiles& first, const WeightFiles& other, const fs::path& folder) {
  const auto fail = [&](const std::string& name, const std::string& expected, const std::string& found) {
    throw ModelError(folder.string() + ": " + shown_name(name) + ": expected " + expected +
                     ", as in the first model, found " + found +
                     "; hint: average models that were trained from the same one");
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

NamedTensors means_of(const std::vector<WeightFiles>& models) {
  NamedTensors means;
  for (const auto& [name, file] : models.front().tensors()) {
    at::Tensor sum = file->tensor(name).to(at::kDouble);
    for (std::size_t k = 1; k < models.size(); ++k) sum = sum.add(models[k].tensor(name).to(at::kDouble));
    means.emplace_back(name, sum.div(static_cast<double>(models.size())).to(file->entries().at(name).dtype));
  }
  return means;
}

/// config.json of the first model with the mean of rlhf_reward_mean.
std::string config_of(const std::vector<ModelFolder>& models) {
  auto config = parse_model_json(models.front().config_json, (models.front().path / "config.json").string());
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

void average_models(const std::vector<fs::path>& folders, const fs::path& output) {
  check_argument(folders.size() >= 2, "folders", "at least 2", folders.size());
  if (is_there(output)) throw OutputError(output.string() + ": expected a new folder, found one that is there");
  std::vector<ModelFolder> models;
  std::vector<WeightFiles> weights;
  for (const fs::path& folder : folders) {
    models.push_back(read_model_folder(folder));
    weights.emplace_back(models.back().path, "");
    expect_same_tensors(weights.front(), weights.back(), folder);
  }
  write_folder_atomically(output, [&](const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(models.front().path))
      if (entry.is_regular_file() && !is_weight_file(entry.path()) && entry.path().filename() != "config.json")
        fs::copy_file(entry.path(), folder / entry.path().filename());
    if (const fs::path more = models.front().path / kChatTemplates; is_there(more))
      fs::copy(more, folder / kChatTemplates, fs::copy_options::recursive);
    write_file_atomically(folder / "config.json", config_of(models));
    write_safetensors(folder / "model.safetensors", means_of(weights), {{"format", "pt"}});
  });
}

}  // namespace rlhf
