#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/io/safetensors.h"
#include "rlhf/tensor/packed_batch.h"

#include "support/source_dir.h"

namespace rlhf::testing {

/// What `transformers` gives for the sequences of a batch, each alone: logits, or scores. One process for all folders.
class TransformersRun {
 public:
  TransformersRun(std::string python, const PackedBatch& batch, std::filesystem::path temp)
      : temp_(std::move(temp)), command_(std::move(python) + " " + testing::source_dir() + "/nn/run_transformers.py") {
    write_safetensors(temp_ / "in.safetensors",
                      {{"tokens", batch.tokens}, {"offsets", to_device(batch.segments.offsets, at::kCPU)}});
    command_ += " " + (temp_ / "in.safetensors").string();
  }
  void add(const std::filesystem::path& folder) {
    outputs_.push_back(temp_ / ("out-" + std::to_string(outputs_.size()) + ".safetensors"));
    command_ += " " + folder.string() + " " + outputs_.back().string();
  }
  std::vector<at::Tensor> outputs() const {
    if (std::system(command_.c_str()) != 0) throw std::runtime_error("failed: " + command_);
    std::vector<at::Tensor> tensors;
    for (const auto& path : outputs_) tensors.push_back(SafetensorsFile(path).tensor("out").clone());
    return tensors;
  }

 private:
  std::filesystem::path temp_;
  std::string command_;
  std::vector<std::filesystem::path> outputs_;
};

}  // namespace rlhf::testing
