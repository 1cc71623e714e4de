// Loads models from folders and draws the weights of new ones.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"
#include "rlhf/io/model_json.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/device.h"

#include "nn/decoder.h"
#include "nn/families/family.h"
#include "nn/weight_files.h"

namespace rlhf {
namespace {

constexpr const char* kScoreName = "score.weight";
constexpr const char* kHeadHint = "; hint: rlhf-sft with model.allow_missing_head=true creates and trains a new head";
// Distinct from the streams of a new model's weights.
const std::uint64_t kScoreStream = random_stream(1, 1), kHeadStream = random_stream(1, 2);

/// How loaded or drawn weights become leaves.
struct Placement {
  at::Device device;
  at::ScalarType dtype;
  bool requires_grad;

  /// Concatenates the rows of `parts`, copying each at most once.
  Weight weight(at::TensorList parts) const {
    const bool rounds = requires_grad && dtype != at::kFloat && std::any_of(parts.begin(), parts.end(), is_wide);
    return {copy(parts, dtype).set_requires_grad(requires_grad), rounds ? copy(parts, at::kFloat) : at::Tensor()};
  }
  WeightSource source(std::function<at::Tensor(const WeightRequest&)> read) const {
    return {std::move(read), [placement = *this](at::TensorList parts) { return placement.weight(parts); }};
  }

 private:
  static bool is_wide(const at::Tensor& values) { return values.scalar_type() == at::kFloat; }
  /// Whether `part`, which was read or drawn for this weight alone, can be the weight.
  bool is_ready(const at::Tensor& part, at::ScalarType type) const {
    return part.scalar_type() == type && part.device() == device && part.is_contiguous() &&
           part.storage().nbytes() == part.nbytes();
  }
  at::Tensor copy(at::TensorList parts, at::ScalarType type) const {
    if (parts.size() == 1 && is_ready(parts.front(), type)) return parts.front();
    std::vector<std::int64_t> sizes = parts.front().sizes().vec();
    for (const at::Tensor& part : parts.slice(1)) sizes[0] += part.size(0);
    at::Tensor rows = at::empty(sizes, at::TensorOptions(device).dtype(type));
    std::int64_t row = 0;
    for (const at::Tensor& part : parts) {
      rows.narrow(0, row, part.size(0)).copy_(part);
      row += part.size(0);
    }
    return rows;
  }
};

std::string sizes_text(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

/// `values` [V,…] with more rows, which are the mean of the given ones: [rows,…].
at::Tensor with_mean_rows(const at::Tensor& values, std::int64_t rows) {
  const at::Tensor mean = values.to(at::kFloat).mean(0, /*keepdim=*/true).to(values.scalar_type());
  std::vector<std::int64_t> sizes = values.sizes().vec();
  sizes[0] = rows - values.size(0);
  return at::cat({values, mean.expand(sizes)});
}

/// Returns the tensors of a folder and records which were requested.
class FileWeights {
 public:
  FileWeights(const ModelFolder& folder, const DecoderNames& names)
      : files_(folder.path, names.base),
        embedding_(names.embedding + ".weight"),
        head_(names.head + ".weight"),
        head_bias_(names.head_bias),
        where_("weights of " + folder.path.string()),
        stored_rows_(folder.stored_rows) {}

  at::Tensor read(const WeightRequest& request) {
    const SafetensorsFile::Entry* const entry = files_.find(request.name);
    if (entry == nullptr) {
      throw ModelError(where_ + ": " + request.name + ": expected this tensor, found none" +
                       (request.name == head_ ? kHeadHint : ""));
    }
    const bool grows = stored_rows_ > 0 && (request.name == embedding_ || is_of_head(request.name));
    std::vector<std::int64_t> sizes = request.sizes;
    if (grows) sizes.front() = stored_rows_;
    if (entry->sizes != sizes) {
      throw ModelError(where_ + ": " + request.name + ": expected " + sizes_text(sizes) + " by config.json, found " +
                       sizes_text(entry->sizes));
    }
    if (entry->dtype != at::kFloat && entry->dtype != at::kBFloat16 && entry->dtype != at::kHalf) {
      throw ModelError(where_ + ": " + request.name + ": expected float32, bfloat16 or float16, found " +
                       at::toString(entry->dtype));
    }
    asked_.insert(files_.name_in_files(request.name));
    const at::Tensor values = files_.tensor(request.name);
    refuse_infinite(request.name, values);
    return grows ? with_mean_rows(values, request.sizes.front()) : values;
  }

  /// A NaN would end the run later, in a step, where nothing shows that it came from a file. Both extremes of a tensor
  /// with a NaN are NaN.
  void refuse_infinite(const std::string& name, const at::Tensor& weight) const {
    if (weight.numel() == 0) return;
    const auto [low, high] = at::aminmax(weight);
    if (std::isfinite(low.item<float>()) && std::isfinite(high.item<float>())) return;
    const std::string in_file = files_.name_in_files(name);
    throw ModelError("reading " + files_.tensors().at(in_file)->path().string() + ": tensor " + shown_name(in_file) +
                     ": expected finite numbers, found a NaN or an infinity");
  }

  std::function<at::Tensor(const WeightRequest&)> reader() {
    return [this](const WeightRequest& request) { return read(request); };
  }
  bool is_missing_head(const WeightRequest& request) const {
    return is_of_head(request.name) && files_.find(head_) == nullptr;
  }

  /// The head of a tied model is its embedding; a file with a different head would silently lose it.
  void expect_tied_head(const std::string& embedding) {
    if (files_.find(head_) == nullptr) return;
    const at::Tensor head = files_.tensor(head_), tied = files_.tensor(embedding);
    if (at::equal(head.to(tied.scalar_type()), tied)) return;
    throw ModelError(where_ + ": " + head_ + ": expected the same values as " + embedding +
                     " (tie_word_embeddings), found others; hint: set \"tie_word_embeddings\" to false to keep both");
  }

  /// Checks that all tensors were requested. The file may contain an output head that this model does not need (tied,
  /// or a scalar model), and constants (rotary tables, causal masks) that old versions of `transformers` stored.
  void refuse_leftovers() const {
    for (const auto& [name, file] : files_.tensors()) {
      if (asked_.contains(name) || is_of_head(name) || is_stored_constant(name)) continue;
      throw ModelError(where_ + ": " + shown_name(name) + ": expected no such tensor by config.json, found " +
                       sizes_text(file->entries().at(name).sizes));
    }
  }

 private:
  bool is_of_head(const std::string& name) const {
    return name == head_ || (!head_bias_.empty() && name == head_bias_);
  }
  static bool is_stored_constant(const std::string& name) {
    constexpr std::string_view kEnds[] = {".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias",
                                          ".attention.masked_bias"};
    return std::any_of(std::begin(kEnds), std::end(kEnds), [&](std::string_view end) { return name.ends_with(end); });
  }

  WeightFiles files_;
  std::string embedding_, head_, head_bias_, where_;
  std::int64_t stored_rows_;
  std::set<std::string> asked_;
};

/// normal(0, std) on the host in fp32: a pure function of (seed, stream), independent of device, dtype and threads.
at::Tensor draw_normal(at::IntArrayRef sizes, double std, std::uint64_t seed, std::uint64_t stream) {
  at::Tensor values = at::empty(sizes, at::kFloat);
  float* const out = values.mutable_data_ptr<float>();
  at::parallel_for(0, values.numel(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<float>(std * random_normal(seed, stream, i));
  });
  return values;
}

/// The keys of config.json about weights and their initialisation.
struct DecoderRecipe {
  DecoderConfig config;
  double initializer_range;
};
DecoderRecipe read_recipe(const ModelFolder& folder) {
  const std::string where = (folder.path / "config.json").string();
  const auto json = parse_model_json(folder.config_json, where);
  const JsonReader config = config_reader(json, where);
  // OPT has another name for it.
  const char* const key = config.has("init_std") ? "init_std" : "initializer_range";
  return {find_family(config).read_config(config), config.positive_number_or(key, 0.02)};
}

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

void check_placement(at::Device device, at::ScalarType dtype) {
  check_usable(device);
  check_argument(dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kDouble, "dtype",
                 "float32, bfloat16 or float64", c10::toString(dtype));
}

}  // namespace

std::unique_ptr<CausalLM> load_causal_lm(const ModelFolder& folder, at::Device device, at::ScalarType dtype,
                                         bool requires_grad, std::uint64_t seed, bool allow_missing_head) {
  check_placement(device, dtype);
  if (folder.scalar_head) {
    throw ModelError("model folder " + folder.path.string() +
                     ": expected a language model (…ForCausalLM), found a scalar head (…ForSequenceClassification); "
                     "hint: it is a reward or value model");
  }
  const DecoderRecipe recipe = read_recipe(folder);
  const Placement placement{device, dtype, requires_grad};
  if (folder.path.empty()) return make_new_decoder(recipe, placement, seed, /*with_head=*/true);
  FileWeights files(folder, recipe.config.names);
  const auto read = [&](const WeightRequest& request) {
    const bool made = allow_missing_head && files.is_missing_head(request);
    return made ? make_head(request, folder, recipe.initializer_range, seed) : files.read(request);
  };
  auto model = std::make_unique<Decoder>(recipe.config, placement.source(read), /*with_head=*/true);
  if (recipe.config.shape.tied_head) files.expect_tied_head(recipe.config.names.embedding + ".weight");
  files.refuse_leftovers();
  return model;
}

ScalarModel load_scalar_model(const ModelFolder& folder, at::Device device, at::ScalarType dtype, bool requires_grad,
                              std::uint64_t seed) {
  check_placement(device, dtype);
  const DecoderRecipe recipe = read_recipe(folder);
  const std::int64_t width = recipe.config.shape.hidden_size;
  const Placement placement{device, dtype, requires_grad};
  // The head is small and determines the score, so it is fp32 for every compute dtype.
  const Placement score_placement{device, at::kFloat, requires_grad};
  const auto new_score = [&] {
    return score_placement
        .weight(draw_normal({1, width}, 1.0 / std::sqrt(static_cast<double>(width) + 1.0), seed, kScoreStream))
        .leaf;
  };
  if (folder.path.empty()) {
    return {make_new_decoder(recipe, placement, seed, /*with_head=*/false), new_score(), folder.reward_mean};
  }
  FileWeights files(folder, recipe.config.names);
  auto trunk = std::make_unique<Decoder>(recipe.config, placement.source(files.reader()), /*with_head=*/false);
  at::Tensor score =
      folder.scalar_head ? score_placement.weight(files.read({kScoreName, {1, width}})).leaf : new_score();
  files.refuse_leftovers();
  // A model that is trained further learns to score at EOS, and is saved with another pad id.
  const auto padding = requires_grad ? std::nullopt : folder.padding_is_eos;
  if (padding) {
    log_warning("model folder " + folder.path.string() + ": the pad id " + std::to_string(*padding) +
                " is EOS, so texts are scored at the token before EOS, as in transformers");
  }
  return {std::move(trunk), std::move(score), folder.reward_mean, padding};
}

}  // namespace rlhf
