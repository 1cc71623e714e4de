// bench-generate: how fast generate() continues made-up prompts. Prints one JSON line.
//
// The prompts are made up (bench.h). A first, short call warms up and is not timed.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"

#include "bench.h"

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
  app.add_option("--dtype", options.dtype, "")->check(CLI::IsMember(rlhf::kDtypes));
  app.add_flag("--greedy", options.greedy, "take the likeliest token, and print the answers");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

nlohmann::ordered_json measure(rlhf::CausalLM& model, const Options& options) {
  const std::vector<std::int64_t> lengths(static_cast<std::size_t>(options.batch), options.prompt);
  rlhf::TimedGeneration generation(model, lengths, options.greedy ? 0.0 : 1.0);
  generation.run(std::min<std::int64_t>(8, options.new_tokens));
  nlohmann::ordered_json result;
  for (std::int64_t i = 0; i < options.repeat; ++i) result["prefill_seconds"].push_back(generation.run(1));
  for (std::int64_t i = 0; i < options.repeat; ++i) result["seconds"].push_back(generation.run(options.new_tokens));
  result["decode_row_steps"] = generation.work().decode_row_steps;
  result["emitted_tokens"] = generation.work().emitted_tokens;
  result["prefill_tokens"] = generation.work().prefill_tokens;
  result["tokens"] = nlohmann::ordered_json::array();
  if (options.greedy)
    for (const auto& response : generation.responses()) result["tokens"].push_back(response.tokens);
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  if (const auto code = read_options(argc, argv, options)) return *code;
  const rlhf::ModelFolder folder = rlhf::read_model_folder(options.model);
  const rlhf::Compute compute = rlhf::resolve_compute(rlhf::DeviceChoice::auto_, rlhf::dtype_choice(options.dtype));
  const auto model = rlhf::load_causal_lm(folder, compute.device, compute.dtype, /*requires_grad=*/false);
  auto result = measure(*model, options);
  result["compute"] = compute.reason;
  result["peak_bytes"] = rlhf::peak_memory_bytes(compute.device);
  std::cout << result.dump() << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
