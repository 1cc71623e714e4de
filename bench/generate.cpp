// bench-generate: how fast generate() continues made-up prompts. Prints one JSON line.
//
// Prompts are a formula, so that another program can have the same ones: token p of row r is
// 3 + (7919 r + 104729 p) mod (V - 3). No token stops an answer. A first, short call warms up and is not timed.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/core/random.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/device.h"

namespace {

struct Options {
  std::string model, dtype = "auto";
  std::int64_t batch = 16, prompt = 64, new_tokens = 128, repeat = 3;
  bool greedy = false;
};

/// Options of this program, or the exit code to leave with.
std::optional<int> read_options(int argc, char** argv, Options& options) {
  CLI::App app("Times generate() on made-up prompts.");
  app.add_option("--model", options.model, "model folder")->required();
  app.add_option("--batch", options.batch, "prompts, all continued at once")->check(CLI::PositiveNumber);
  app.add_option("--prompt", options.prompt, "tokens of a prompt")->check(CLI::PositiveNumber);
  app.add_option("--new", options.new_tokens, "tokens of an answer")->check(CLI::PositiveNumber);
  app.add_option("--repeat", options.repeat, "timed calls")->check(CLI::PositiveNumber);
  app.add_option("--dtype", options.dtype, "")->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
  app.add_flag("--greedy", options.greedy, "take the likeliest token, and print the answers");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

rlhf::DtypeChoice dtype_choice(const std::string& name) {
  if (name == "auto") return rlhf::DtypeChoice::auto_;
  return name == "float32" ? rlhf::DtypeChoice::float32 : rlhf::DtypeChoice::bfloat16;
}

std::vector<rlhf::TokenIds> make_prompts(const Options& options, std::int64_t vocabulary) {
  std::vector<rlhf::TokenIds> prompts(static_cast<std::size_t>(options.batch));
  for (std::int64_t row = 0; row < options.batch; ++row)
    for (std::int64_t position = 0; position < options.prompt; ++position)
      prompts[static_cast<std::size_t>(row)].push_back(
          static_cast<std::int32_t>(3 + (row * 7919 + position * 104729) % (vocabulary - 3)));
  return prompts;
}

class Bench {
 public:
  Bench(rlhf::CausalLM& model, const Options& options)
      : model_(model), options_(options), prompts_(make_prompts(options, model.shape().vocab_size)) {
    for (const auto& prompt : prompts_) requests_.push_back({&prompt, rlhf::random_stream(0, requests_.size())});
  }

  nlohmann::ordered_json run() {
    answer(std::min<std::int64_t>(8, options_.new_tokens));
    nlohmann::ordered_json result;
    for (std::int64_t i = 0; i < options_.repeat; ++i) result["prefill_seconds"].push_back(answer(1));
    for (std::int64_t i = 0; i < options_.repeat; ++i) result["seconds"].push_back(answer(options_.new_tokens));
    result["decode_row_steps"] = work_.decode_row_steps;
    result["emitted_tokens"] = work_.emitted_tokens;
    result["prefill_tokens"] = work_.prefill_tokens;
    result["tokens"] = nlohmann::ordered_json::array();
    if (options_.greedy)
      for (const auto& generation : answers_) result["tokens"].push_back(generation.tokens);
    return result;
  }

 private:
  /// Seconds of one call.
  double answer(std::int64_t new_tokens) {
    const rlhf::SamplingOptions sampling{.max_new_tokens = new_tokens, .temperature = options_.greedy ? 0.0 : 1.0};
    const auto start = std::chrono::steady_clock::now();
    work_ = {};
    answers_ = rlhf::generate(model_, requests_, sampling, options_.batch, {}, &work_);
    rlhf::synchronize(model_.device());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  rlhf::CausalLM& model_;
  const Options& options_;
  std::vector<rlhf::TokenIds> prompts_;
  std::vector<rlhf::GenerationRequest> requests_;
  std::vector<rlhf::Generation> answers_;
  rlhf::WorkCounters work_;
};

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  if (const auto code = read_options(argc, argv, options)) return *code;
  const rlhf::ModelFolder folder = rlhf::read_model_folder(options.model);
  const rlhf::Compute compute = rlhf::resolve_compute(rlhf::DeviceChoice::auto_, dtype_choice(options.dtype));
  const auto model = rlhf::load_causal_lm(folder, compute.device, compute.dtype, /*requires_grad=*/false);
  auto result = Bench(*model, options).run();
  result["compute"] = compute.reason;
  result["peak_bytes"] = rlhf::peak_memory_bytes(compute.device);
  std::cout << result.dump() << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
