// agreement-judge --samples runs/demo/samples.jsonl --output runs/demo/pairs.jsonl: writes preference pairs, labelled
// by
// the demo's expert.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"

#include "judge.h"
#include "program.h"

int main(int argc, char** argv) {
  CLI::App app("Labels pairs of sampled answers like an expert who prefers true answers.");
  agreement::JudgeOptions options;
  std::filesystem::path samples, output;
  app.add_option("--samples", samples, "output of rlhf-generate --num-samples 2 --json")->required();
  app.add_option("--output", output, "file for the pairs")->required();
  app.add_option("--seed", options.seed, "seed of the choice of answers that are replaced by corrupted ones");
  CLI11_PARSE(app, argc, argv);
  return agreement::run_program([&] {
    std::string lines;
    const auto pairs = agreement::label_samples(samples, options);
    for (const auto& pair : pairs) {
      const nlohmann::json record{{"prompt", pair.prompt}, {"chosen", pair.chosen}, {"rejected", pair.rejected}};
      lines += record.dump() + "\n";
    }
    if (pairs.empty())
      throw rlhf::DataError(samples.string() + ": expected at least one pair with one true answer, found only ties");
    rlhf::write_file_atomically(output, lines);
    std::cout << output.string() << ": " << pairs.size() << " pairs\n";
  });
}
