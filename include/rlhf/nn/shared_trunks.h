#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/nn/weight_supply.h"

namespace rlhf {

/// Loads the models of a run. Frozen weights of the same folder are loaded once and shared: those below several
/// adapters, and those of a model whose adapters are off. A model that is trained without adapters gets its own.
/// Load language models before scalar models of the same base, which have no output head. Errors: those of
/// load_causal_lm() and load_scalar_model(), whose other arguments these are. Models that share weights share their
/// supply.
class SharedTrunks {
 public:
  /// Frozen weights that are kept on the host, and on `device` only while they are lent: all but those of the bases
  /// (ModelFolder::base_identity) of models that are trained.
  struct Offload {
    std::set<std::filesystem::path> trained;
  };

  SharedTrunks(at::Device device, at::ScalarType dtype, WeightKeeping keeping = {},
               std::optional<Offload> offload = std::nullopt);
  ~SharedTrunks();
  SharedTrunks(SharedTrunks&&) noexcept;
  SharedTrunks& operator=(SharedTrunks&&) noexcept;

  std::unique_ptr<CausalLM> causal_lm(const ModelFolder& folder, bool requires_grad, std::uint64_t seed = 0);
  ScalarModel scalar_model(const ModelFolder& folder, bool requires_grad, std::uint64_t seed = 0);

 private:
  struct Trunk;
  const Trunk& trunk(const ModelFolder& folder, bool with_head);

  at::Device device_;
  at::ScalarType dtype_;
  WeightKeeping keeping_;
  std::optional<Offload> offload_;
  std::map<std::filesystem::path, std::unique_ptr<Trunk>> trunks_;  // by ModelFolder::base_identity()
};

}  // namespace rlhf
