// Loads models from folders and draws the weights of new ones.
#include "nn/load_model.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/nn/shared_trunks.h"

#include "nn/adapter_folder.h"
#include "nn/decoder.h"
#include "nn/file_weights.h"
#include "nn/placement.h"
#include "nn/recipe.h"

namespace rlhf {
namespace {

std::shared_ptr<WeightSupply> make_supply(const WeightKeeping& keeping) {
  return keeping.is_whole() ? nullptr : std::make_shared<WeightSupply>(keeping);
}

constexpr const char* kScoreName = "score.weight";
const std::uint64_t kHeadStream = random_stream(1, 2);  // distinct from the streams of a new model's weights

std::unique_ptr<CausalLM> make_new_decoder(const DecoderRecipe& recipe, const Placement& placement, std::uint64_t seed,
                                           bool with_head) {
  std::uint64_t number = 0;
  const auto draw = [&](const WeightRequest& request) {
    const std::uint64_t stream = random_stream(number++);
    return request.is_vector() ? at::ones(request.sizes, at::kFloat)
                               : draw_normal(request.sizes, recipe.initializer_range, seed, stream);
  };
  return std::make_unique<Decoder>(recipe.config, placement.source(draw), with_head);
}

at::Tensor make_head(const WeightRequest& request, const ModelFolder& folder, double spread, std::uint64_t seed) {
  if (request.is_vector()) return at::zeros(request.sizes, at::kFloat);  // the bias, as in `transformers`
  log_warning("model folder " + folder.path.string() + ": " + request.name +
              ": not found; drawing random weights from seed " + std::to_string(seed) + ", which must be trained");
  return draw_normal(request.sizes, spread, seed, kHeadStream);
}

/// The weights of a folder, with its adapter merged into them.
class MergedWeights {
 public:
  MergedWeights(const ModelFolder& folder, const DecoderConfig& config)
      : files(folder, config.names), transposed_(config.transposed_weights) {
    if (folder.adapter && !folder.adapter->path.empty()) adapter.emplace(*folder.adapter);  // a new one changes nothing
  }

  at::Tensor read(const WeightRequest& request) {
    constexpr std::string_view kEnd = ".weight";
    at::Tensor values = files.read(request);
    if (!adapter || !request.name.ends_with(kEnd)) return values;
    const std::string layer = request.name.substr(0, request.name.size() - kEnd.size());
    return adapter->adapts(layer) ? adapter->merged(values, layer, transposed_) : values;
  }

  void refuse_leftovers() const {
    files.refuse_leftovers();
    if (adapter) adapter->refuse_leftovers();
  }

  FileWeights files;
  std::optional<AdapterWeights> adapter;

 private:
  bool transposed_;
};

at::Tensor read_score(MergedWeights& weights, const ModelFolder& folder, std::int64_t width, std::uint64_t seed) {
  const WeightRequest request{kScoreName, {1, width}};
  // Read also if the adapter replaces it: then it is no tensor that the model does not know.
  const at::Tensor stored = folder.base_has_score ? weights.files.read(request) : at::Tensor();
  if (folder.adapter && folder.adapter->has_score) return weights.adapter->read(request);
  return stored.defined() ? stored : new_score(width, seed);
}

}  // namespace

std::unique_ptr<CausalLM> load_causal_lm(const ModelFolder& folder, at::Device device, at::ScalarType dtype,
                                         bool requires_grad, std::uint64_t seed, bool allow_missing_head,
                                         const WeightKeeping& keeping) {
  check_placement(device, dtype);
  check_argument(!folder.adapter || !allow_missing_head, "allow_missing_head", "false with an adapter", "true");
  if (folder.scalar_head) {
    throw ModelError("model folder " + folder.path.string() +
                     ": expected a language model (…ForCausalLM), found a scalar head (…ForSequenceClassification); "
                     "hint: it is a reward or value model");
  }
  if (folder.adapter && requires_grad)
    return SharedTrunks(device, dtype, keeping).causal_lm(folder, requires_grad, seed);
  const DecoderRecipe recipe = read_recipe(folder);
  const Placement placement{device, dtype, requires_grad, make_supply(keeping)};
  if (folder.path.empty()) return make_new_decoder(recipe, placement, seed, /*with_head=*/true);
  MergedWeights weights(folder, recipe.config);
  const auto read = [&](const WeightRequest& request) {
    const bool made = allow_missing_head && weights.files.is_missing_head(request);
    return made ? make_head(request, folder, recipe.initializer_range, seed) : weights.read(request);
  };
  auto model = std::make_unique<Decoder>(recipe.config, placement.source(read), /*with_head=*/true);
  if (recipe.config.shape.tied_head) weights.files.expect_tied_head();
  weights.refuse_leftovers();
  return model;
}

ScalarModel load_scalar_model(const ModelFolder& folder, at::Device device, at::ScalarType dtype, bool requires_grad,
                              std::uint64_t seed, const WeightKeeping& keeping) {
  check_placement(device, dtype);
  if (folder.adapter && requires_grad)
    return SharedTrunks(device, dtype, keeping).scalar_model(folder, requires_grad, seed);
  const DecoderRecipe recipe = read_recipe(folder);
  const std::int64_t width = recipe.config.shape.hidden_size;
  const Placement placement{device, dtype, requires_grad, make_supply(keeping)};
  const Placement score_placement{device, at::kFloat, requires_grad};
  if (folder.path.empty())
    return {make_new_decoder(recipe, placement, seed, /*with_head=*/false),
            score_placement.weight(new_score(width, seed)).leaf, folder.reward_mean};
  MergedWeights weights(folder, recipe.config);
  const auto read = [&](const WeightRequest& request) { return weights.read(request); };
  auto trunk = std::make_unique<Decoder>(recipe.config, placement.source(read), /*with_head=*/false);
  at::Tensor score = score_placement.weight(read_score(weights, folder, width, seed)).leaf;
  weights.refuse_leftovers();
  return {std::move(trunk), std::move(score), folder.reward_mean, scoring_padding(folder, requires_grad)};
}

std::optional<std::int32_t> scoring_padding(const ModelFolder& folder, bool requires_grad) {
  // A model that is trained further learns to score at EOS.
  const auto padding = requires_grad ? std::nullopt : folder.padding_is_eos;
  if (padding)
    log_warning("model folder " + folder.path.string() + ": the pad id " + std::to_string(*padding) +
                " is EOS, so texts are scored at the token before EOS, as in transformers");
  return padding;
}

}  // namespace rlhf
