// Loads adapters onto shared weights.
#include "rlhf/nn/shared_trunks.h"

#include <cmath>
#include <set>
#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/core/random.h"

#include "nn/adapter_folder.h"
#include "nn/decoder.h"
#include "nn/load_model.h"
#include "nn/lora.h"
#include "nn/placement.h"
#include "nn/recipe.h"

namespace rlhf {

/// A frozen decoder and, for a model with a scalar head, the head.
struct SharedTrunks::Trunk {
  Decoder decoder;
  at::Tensor score;
  bool with_head;

  Trunk(const Decoder& trunk, at::Tensor head, bool language)
      : decoder(trunk), score(std::move(head)), with_head(language) {}
};

SharedTrunks::SharedTrunks(at::Device device, at::ScalarType dtype, WeightKeeping keeping,
                           std::optional<Offload> offload)
    : device_(device), dtype_(dtype), keeping_(std::move(keeping)), offload_(std::move(offload)) {}
SharedTrunks::~SharedTrunks() = default;
SharedTrunks::SharedTrunks(SharedTrunks&&) noexcept = default;
SharedTrunks& SharedTrunks::operator=(SharedTrunks&&) noexcept = default;

namespace {

/// A new adapter: A drawn for each layer, B zero.
void adapt_anew(Decoder& decoder, const Adapter& adapter, const DecoderConfig& config, const Placement& placement,
                std::uint64_t seed) {
  std::set<std::string> wanted;
  for (const LinearLayer& layer : targeted_layers(config, adapter.options.targets))
    for (const Parameter::Part& part : layer.parts) wanted.insert(part.name);
  std::uint64_t number = 0;
  const auto draw = [&](const WeightRequest& request) {
    if (request.name.ends_with(lora_b(""))) return at::zeros(request.sizes, at::kFloat);
    constexpr std::uint64_t kAdapterStream = 3;
    return draw_uniform(request.sizes, 1 / std::sqrt(static_cast<double>(request.sizes[1])), seed,
                        random_stream(1, kAdapterStream, number++));
  };
  decoder.adapt({adapter.options, adapter.scale(), [&](const std::string& layer) { return wanted.contains(layer); },
                 placement.source(draw)});
}

/// Adds the adapter of a folder and returns its scalar head, if it has one.
at::Tensor adapt(Decoder& decoder, const ModelFolder& folder, const Placement& placement, std::uint64_t seed) {
  const Adapter& adapter = *folder.adapter;
  if (adapter.path.empty()) {
    adapt_anew(decoder, adapter, read_recipe(folder).config, placement, seed);
    return {};
  }
  AdapterWeights weights(adapter);
  decoder.adapt({adapter.options, adapter.scale(), [&](const std::string& layer) { return weights.adapts(layer); },
                 placement.source([&](const WeightRequest& request) { return weights.read(request); })});
  weights.refuse_leftovers();
  return adapter.has_score ? weights.read({"score.weight", {1, folder.shape.hidden_size}}) : at::Tensor();
}

}  // namespace

const SharedTrunks::Trunk& SharedTrunks::trunk(const ModelFolder& folder, bool with_head) {
  std::unique_ptr<Trunk>& found = trunks_[folder.base_identity()];
  if (found && (found->with_head || !with_head)) return *found;
  ModelFolder base = folder;
  base.path = folder.base;
  base.adapter.reset();
  base.scalar_head = folder.base_has_score;
  base.padding_is_eos.reset();
  WeightKeeping keeping = keeping_;
  if (offload_ && !device_.is_cpu() && !offload_->trained.contains(folder.base_identity())) keeping.device = at::kCPU;
  if (with_head) {
    const auto model = load_causal_lm(base, device_, dtype_, /*requires_grad=*/false, /*seed=*/0,
                                      /*allow_missing_head=*/false, keeping);
    found = std::make_unique<Trunk>(static_cast<const Decoder&>(*model), at::Tensor(), true);
  } else {
    ScalarModel model = load_scalar_model(base, device_, dtype_, /*requires_grad=*/false, /*seed=*/0, keeping);
    found = std::make_unique<Trunk>(static_cast<const Decoder&>(model.trunk()),
                                    folder.base_has_score ? model.score() : at::Tensor(), false);
  }
  return *found;
}

std::unique_ptr<CausalLM> SharedTrunks::causal_lm(const ModelFolder& folder, bool requires_grad, std::uint64_t seed) {
  if (!folder.adapter && requires_grad)
    return load_causal_lm(folder, device_, dtype_, requires_grad, seed, /*allow_missing_head=*/false, keeping_);
  auto model = std::make_unique<Decoder>(trunk(folder, /*with_head=*/true).decoder);
  if (folder.adapter) adapt(*model, folder, {device_, dtype_, requires_grad}, seed);
  return model;
}

ScalarModel SharedTrunks::scalar_model(const ModelFolder& folder, bool requires_grad, std::uint64_t seed) {
  if (!folder.adapter && requires_grad)
    return load_scalar_model(folder, device_, dtype_, requires_grad, seed, keeping_);
  const Trunk& base = trunk(folder, /*with_head=*/false);
  auto decoder = std::make_unique<Decoder>(base.decoder);
  decoder->drop_head();
  at::Tensor score = folder.adapter ? adapt(*decoder, folder, {device_, dtype_, requires_grad}, seed) : at::Tensor();
  if (!score.defined() && base.score.defined()) score = base.score.detach().clone();
  if (!score.defined()) score = new_score(folder.shape.hidden_size, seed);
  const Placement score_placement{device_, at::kFloat, requires_grad};
  return {std::move(decoder), score_placement.weight(score).leaf, folder.reward_mean,
          scoring_padding(folder, requires_grad)};
}

}  // namespace rlhf
