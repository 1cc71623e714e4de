// bench-device: how fast the work of a run is on the device of this machine. Prints one JSON object.
//
// The device is the one that `train.device: auto` takes. The model is a new Llama and its tokens are made up, so no
// files are read. A time is the median of --repeat calls, after two that are not counted; the clock is read when the
// device is idle. The keys are explained in bench/README.md.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index.h>
#include <ATen/ops/randn.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include "rlhf/algo/reward_loss.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/train/method.h"
#include "rlhf/train/plan.h"

#include "bench.h"
#include "train/ranked_batch.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kVocabulary = 32000;
constexpr double kLearningRate = 1e-6;

struct Options {
  std::string preset = "30m", dtype = "auto";
  std::int64_t sequences = 16, length = 512, prompt = 64, new_tokens = 128, square = 8192, repeat = 5;
  std::vector<std::int64_t> batches = {1, 16, 64};
};

/// The sizes of the models. The 30m is that of bench/compare.py.
const std::map<std::string, ModelInit> kPresets = {{"tiny",
                                                    {.hidden_size = 64,
                                                     .intermediate_size = 176,
                                                     .num_hidden_layers = 2,
                                                     .num_attention_heads = 4,
                                                     .num_key_value_heads = 2}},
                                                   {"30m",
                                                    {.hidden_size = 512,
                                                     .intermediate_size = 1408,
                                                     .num_hidden_layers = 8,
                                                     .num_attention_heads = 8,
                                                     .num_key_value_heads = 4}},
                                                   {"160m",
                                                    {.hidden_size = 768,
                                                     .intermediate_size = 3072,
                                                     .num_hidden_layers = 12,
                                                     .num_attention_heads = 12,
                                                     .num_key_value_heads = 12,
                                                     .tie_word_embeddings = false}},
                                                   {"1b",
                                                    {.hidden_size = 2048,
                                                     .intermediate_size = 5632,
                                                     .num_hidden_layers = 22,
                                                     .num_attention_heads = 32,
                                                     .num_key_value_heads = 4,
                                                     .max_position_embeddings = 2048,
                                                     .tie_word_embeddings = false}}};

/// Options of this program, or the exit code to leave with.
std::optional<int> read_options(int argc, char** argv, Options& options) {
  CLI::App app("Times products, training steps and generation on the device of this machine.");
  const auto number = [&app](const char* name, std::int64_t& value, const char* what) {
    app.add_option(name, value, what)->check(CLI::PositiveNumber)->capture_default_str();
  };
  app.add_option("--preset", options.preset, "size of the model")
      ->check(CLI::IsMember(kPresets))
      ->capture_default_str();
  app.add_option("--dtype", options.dtype, "")->check(CLI::IsMember(kDtypes))->capture_default_str();
  number("--sequences", options.sequences, "texts of a training step; the reward model takes them as pairs");
  app.add_option("--length", options.length, "tokens of the longest text")
      ->check(CLI::Range(16, 1024))
      ->capture_default_str();
  app.add_option("--batches", options.batches, "prompts that are continued at once")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  number("--prompt", options.prompt, "tokens of the longest prompt");
  app.add_option("--new", options.new_tokens, "tokens of a response")->check(CLI::Range(2, 512))->capture_default_str();
  number("--square", options.square, "size of the largest square product");
  number("--repeat", options.repeat, "timed calls");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// The median of `repeat` results of `seconds`, after two that are not counted.
double median_of(std::int64_t repeat, const std::function<double()>& seconds) {
  std::vector<double> values;
  for (std::int64_t call = -2; call < repeat; ++call) {
    const double value = seconds();
    if (call >= 0) values.push_back(value);
  }
  return median(std::move(values));
}

double median_seconds(at::Device device, std::int64_t repeat, const std::function<void()>& work) {
  return median_of(repeat, [&] {
    synchronize(device);
    const auto start = std::chrono::steady_clock::now();
    work();
    synchronize(device);
    return seconds_since(start);
  });
}

/// Longest first and down to half of that, so that a batch is of different lengths, as in a run.
std::vector<std::int64_t> mixed_lengths(std::int64_t count, std::int64_t longest) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < count; ++i) lengths.push_back(longest - i * 37 % (longest / 2 + 1));
  return lengths;
}

/// Useful operations of a training step over sequences of T tokens: Σ 6·N·T + 6·L·H·E·T² (causal attention) + 6·V·D per
/// label. N: parameters without embedding and head.
double training_flops(const ModelShape& shape, const std::vector<std::int64_t>& lengths, std::int64_t labels) {
  const double head = static_cast<double>(shape.vocab_size) * static_cast<double>(shape.hidden_size);
  const double inner = static_cast<double>(count_parameters(shape)) - head * (shape.tied_head ? 1 : 2);
  const auto attention = static_cast<double>(shape.num_layers * shape.num_heads * shape.head_dim);
  double flops = 6 * head * static_cast<double>(labels);
  for (const std::int64_t length : lengths) {
    const auto tokens = static_cast<double>(length);
    flops += 6 * inner * tokens + 6 * attention * tokens * tokens;
  }
  return flops;
}

class Bench {
 public:
  Bench(const Options& options, Compute compute)
      : options_(options),
        compute_(std::move(compute)),
        folder_(describe_new_model(kPresets.at(options.preset), kVocabulary, 1, 2)) {}

  Json run() {
    const char* allocator = std::getenv("PYTORCH_ALLOC_CONF");
    Json result = {{"preset", options_.preset},
                   {"parameters", count_parameters(folder_.shape)},
                   {"device", compute_.device.str()},
                   {"compute", compute_.reason},
                   {"hardware", instruction_set(compute_.device)},
                   {"dtype", compute_.dtype == at::kFloat ? "float32" : "bfloat16"},
                   {"libtorch", TORCH_VERSION},
                   {"alloc_conf", allocator != nullptr ? allocator : ""}};
    result["matmul"] = products();
    auto model = load_causal_lm(folder_, compute_.device, compute_.dtype, /*requires_grad=*/true);
    result["sft"] = fine_tuning(*model);
    result["generation"] = generation(*model);
    result["reward_model"] = reward_model(std::move(model));
    return result;
  }

 private:
  /// The rate of x [rows,inputs] · weightᵀ [inputs,outputs].
  Json product(const char* name, std::int64_t rows, std::int64_t inputs, std::int64_t outputs) {
    const at::NoGradGuard no_grad;
    const auto options = at::TensorOptions(compute_.device).dtype(compute_.dtype);
    const at::Tensor x = at::randn({rows, inputs}, options), weight = at::randn({outputs, inputs}, options);
    const double seconds = median_seconds(compute_.device, options_.repeat, [&] { apply_linear(x, weight); });
    const double flops = 2 * static_cast<double>(rows) * static_cast<double>(inputs) * static_cast<double>(outputs);
    rate_ = std::max(rate_, flops / seconds);
    return {{"name", name}, {"shape", {rows, inputs, outputs}}, {"tflops", flops / seconds * 1e-12}};
  }

  Json products() {
    const ModelShape& s = folder_.shape;
    Json results = Json::array();
    for (const std::int64_t part : {4, 2, 1}) {
      const std::int64_t size = std::max<std::int64_t>(1, options_.square / part);
      results.push_back(product("square", size, size, size));
    }
    const std::int64_t rows = options_.sequences * options_.length, heads = s.num_heads * s.head_dim;
    results.push_back(
        product("query, key, value", rows, s.hidden_size, heads + 2 * s.num_key_value_heads * s.head_dim));
    results.push_back(product("attention output", rows, heads, s.hidden_size));
    results.push_back(product("gate, up", rows, s.hidden_size, 2 * s.intermediate_size));
    results.push_back(product("down", rows, s.intermediate_size, s.hidden_size));
    results.push_back(product("head", std::min<std::int64_t>(rows, 1024), s.hidden_size, s.vocab_size));
    return results;
  }

  Json step_figures(const std::function<void()>& step, const std::vector<std::int64_t>& lengths, std::int64_t labels) {
    const double seconds = median_seconds(compute_.device, options_.repeat, step);
    std::int64_t tokens = 0;
    for (const std::int64_t length : lengths) tokens += length;
    return {{"tokens", tokens},
            {"seconds", seconds},
            {"tokens_per_second", static_cast<double>(tokens) / seconds},
            {"matmul_share", training_flops(folder_.shape, lengths, labels) / seconds / rate_},
            {"peak_bytes", peak_memory_bytes(compute_.device)}};
  }

  /// The step of rlhf-sft, with every token but the first of a text as a label.
  Json fine_tuning(CausalLM& model) {
    Trainee trainee(model.parameters(), OptimizerOptions());
    const std::vector<std::int64_t> lengths = mixed_lengths(options_.sequences, options_.length);
    const std::vector<TokenIds> texts = make_prompts(lengths, kVocabulary);
    std::vector<std::int64_t> rows, targets;
    std::int64_t offset = 0;
    for (const TokenIds& text : texts) {
      for (std::size_t t = 1; t < text.size(); ++t) {
        rows.push_back(offset + static_cast<std::int64_t>(t) - 1);
        targets.push_back(text[t]);
      }
      offset += static_cast<std::int64_t>(text.size());
    }
    const auto labels = static_cast<std::int64_t>(rows.size());
    const auto mean_nll = [labels](const at::Tensor& logprobs, auto, auto) { return logprobs.sum().div(-labels); };
    const auto step = [&] {
      trainee.zero_gradients();
      const at::Tensor hidden = model.forward(pack(texts, compute_.device), to_device(rows, compute_.device));
      backward_through_logprobs(hidden, model.head(), to_device(targets, compute_.device),
                                {.entropy = true, .correct = true}, mean_nll);
      trainee.take_step(kLearningRate, "model", 0);
    };
    return step_figures(step, lengths, labels);
  }

  /// The step of rlhf-rm. The first half of the texts of a pair is their common prompt.
  Json reward_model(std::unique_ptr<CausalLM> trunk) {
    const at::Tensor score = at::randn({1, folder_.shape.hidden_size}, at::TensorOptions(compute_.device));
    ScalarModel model(std::move(trunk), score.set_requires_grad(true), /*reward_mean=*/0);
    Trainee trainee(model.parameters(), OptimizerOptions());
    std::vector<std::int64_t> lengths =
        mixed_lengths(std::max<std::int64_t>(1, options_.sequences / 2), options_.length);
    std::vector<RankedSample> samples;
    for (const TokenIds& text : make_prompts(lengths, kVocabulary)) {
      RankedSample sample{{text, text}, {{0, 1}}, static_cast<std::int32_t>(text.size() / 2)};
      for (std::size_t t = text.size() / 2; t < text.size(); ++t) sample.texts[1][t] = text[t - 1];
      samples.push_back(std::move(sample));
    }
    std::vector<const RankedSample*> members;
    for (const RankedSample& sample : samples) members.push_back(&sample);
    const auto step = [&] {
      trainee.zero_gradients();
      const RankedBatch batch = make_ranked_batch(members, compute_.device);
      const at::Tensor scores = model.values(batch.packed, batch.rows);
      const at::Tensor chosen = at::index(scores, {batch.chosen}), rejected = at::index(scores, {batch.rejected});
      bradley_terry_loss(chosen, rejected, batch.labels).div(std::ssize(samples)).backward();
      trainee.take_step(kLearningRate, "model", 0);
    };
    lengths.insert(lengths.end(), lengths.begin(), lengths.end());  // both texts of a pair
    return step_figures(step, lengths, /*labels=*/0);
  }

  Json generation(CausalLM& model) {
    Json results = Json::array();
    for (const std::int64_t batch : options_.batches) {
      const std::vector<std::int64_t> equal(static_cast<std::size_t>(batch), options_.prompt);
      results.push_back(continued(model, "equal", equal));
      if (batch > 1) results.push_back(continued(model, "mixed", mixed_lengths(batch, options_.prompt)));
    }
    return results;
  }

  /// Prompts of equal length and of mixed lengths take different operators for attention (docs/cuda.md).
  Json continued(CausalLM& model, const char* lengths_are, const std::vector<std::int64_t>& lengths) {
    TimedGeneration timed(model, lengths, /*temperature=*/1);
    const double prefill = median_of(options_.repeat, [&] { return timed.run(1); });
    const auto prefill_tokens = static_cast<double>(timed.work().prefill_tokens);
    const double whole = median_of(options_.repeat, [&] { return timed.run(options_.new_tokens); });
    const auto decoded = static_cast<double>(timed.work().decode_row_steps);
    return {{"batch", lengths.size()},
            {"lengths", lengths_are},
            {"prefill_tokens_per_second", prefill_tokens / prefill},
            {"decode_tokens_per_second", decoded / (whole - prefill)},
            {"peak_bytes", peak_memory_bytes(compute_.device)}};
  }

  const Options& options_;
  Compute compute_;
  ModelFolder folder_;
  double rate_ = 0;  ///< of the fastest product, in operations per second
};

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) try {
  rlhf::Options options;
  if (const auto code = rlhf::read_options(argc, argv, options)) return *code;
  const auto compute = rlhf::resolve_compute(rlhf::DeviceChoice::auto_, rlhf::dtype_choice(options.dtype));
  std::cout << rlhf::Bench(options, compute).run().dump() << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
