#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"

#include "nn_testing.h"

namespace rlhf::testing {

inline constexpr const char* kIndex = "model.safetensors.index.json";

/// A copy of a good folder (a Llama of 2 layers, width 32, 4 heads of 8, 2 of keys, 96 tokens) that a case may spoil.
struct SpoiltFolder : TemporaryFolder {
  explicit SpoiltFolder(const std::string& golden = "llama/untied") {
    std::filesystem::copy(rlhf::testing::golden(golden), path(),
                          std::filesystem::copy_options::overwrite_existing | std::filesystem::copy_options::recursive);
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path() / name, std::ios::binary) << bytes;
  }
  void set(const std::string& key, const nlohmann::ordered_json& value) const {
    nlohmann::ordered_json config = nlohmann::ordered_json::parse(std::ifstream(path() / "config.json"));
    config[key] = value;
    write("config.json", config.dump());
  }
  /// Two shards and an index of them, which `spoil` may change.
  void shard(const std::function<void(nlohmann::ordered_json& index)>& spoil) const {
    nlohmann::ordered_json map;
    NamedTensors halves[2];
    {
      const SafetensorsFile whole(path() / "model.safetensors");
      for (const auto& [name, entry] : whole.entries()) {
        const bool late = name.starts_with("model.layers.1");
        map[name] = late ? "b.safetensors" : "a.safetensors";
        halves[late].emplace_back(name, whole.tensor(name).clone());
      }
    }
    write_safetensors(path() / "a.safetensors", halves[0]);
    write_safetensors(path() / "b.safetensors", halves[1]);
    std::filesystem::remove(path() / "model.safetensors");
    nlohmann::ordered_json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", map}};
    spoil(index);
    write(kIndex, index.dump());
  }
  void change_tensors(const std::string& file, const std::function<void(NamedTensors&)>& change) const {
    NamedTensors tensors;
    {
      const SafetensorsFile before(path() / file);
      for (const auto& [name, entry] : before.entries()) tensors.emplace_back(name, before.tensor(name).clone());
    }
    change(tensors);
    write_safetensors(path() / file, tensors);
  }
  /// What loading says, the folder's own path as DIR.
  std::string refusal() const {
    try {
      load_causal_lm(read_model_folder(path()), at::kCPU, at::kFloat, /*requires_grad=*/false);
      return "loads";
    } catch (const ModelError& error) {
      std::string message = error.what();
      for (std::size_t at; (at = message.find(path().string())) != std::string::npos;) {
        message.replace(at, path().string().size(), "DIR");
      }
      return message;
    }
  }
};

}  // namespace rlhf::testing
