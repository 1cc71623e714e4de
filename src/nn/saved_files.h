#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"

namespace rlhf {

/// The files that differ between the folders of models and of adapters.
struct SavedFiles {
  std::string config_name;
  nlohmann::ordered_json config;
  std::string weights_name;
  nlohmann::ordered_json ours = nlohmann::ordered_json::object();  ///< rlhf.json; the prompt template is added
};

/// Writes the folder atomically: these files, tokenizer files, and generation_config.json, for which `model` is the
/// config.json of the model.
void write_files(const ModelFolder& source, const nlohmann::ordered_json& model, SavedFiles files,
                 const TensorStream& weights, const SaveOptions& options, const std::filesystem::path& path);

}  // namespace rlhf
