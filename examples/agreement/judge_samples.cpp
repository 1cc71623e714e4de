// agreement-judge --samples runs/demo/samples.jsonl --output runs/demo/pairs.jsonl: writes preference pairs, labelled
// by the demo's expert, and what a crowd and a few experts say about the same pairs.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"

#include "crowd.h"
#include "judge.h"
#include "program.h"

namespace {

using std::filesystem::path;

std::string line_of(const agreement::Pair& pair) {
  const nlohmann::json record{{"prompt", pair.prompt}, {"chosen", pair.chosen}, {"rejected", pair.rejected}};
  return record.dump() + "\n";
}

void write_judgments(const std::vector<agreement::Pair>& pairs, std::uint64_t seed, const path& judgments,
                     const path& expert_pairs) {
  std::string all, of_experts;
  for (const agreement::CrowdPair& judged : agreement::judge_by_crowd(pairs, seed)) {
    all += judged.record.dump() + "\n";
    if (judged.of_expert) of_experts += line_of(*judged.of_expert);
  }
  rlhf::write_file_atomically(judgments, all);
  if (!expert_pairs.empty()) rlhf::write_file_atomically(expert_pairs, of_experts);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Labels pairs of sampled answers like an expert who prefers true answers.");
  agreement::JudgeOptions options;
  path samples, output, judgments, expert_pairs;
  app.add_option("--samples", samples, "output of rlhf-generate --num-samples 2 --json")->required();
  app.add_option("--output", output, "file for the pairs")->required();
  CLI::Option* const crowd = app.add_option("--judgments", judgments, "file for what a crowd and a few experts say");
  app.add_option("--expert-pairs", expert_pairs, "file for the pairs that an expert of the crowd's pairs judged")
      ->needs(crowd);
  app.add_option("--seed", options.seed, "seed of the replaced answers and of the annotators");
  CLI11_PARSE(app, argc, argv);
  return agreement::run_program([&] {
    const auto pairs = agreement::label_samples(samples, options);
    if (pairs.empty())
      throw rlhf::DataError(samples.string() + ": expected at least one pair with one true answer, found only ties");
    std::string lines;
    for (const agreement::Pair& pair : pairs) lines += line_of(pair);
    if (!judgments.empty()) write_judgments(pairs, options.seed, judgments, expert_pairs);
    rlhf::write_file_atomically(output, lines);
    std::cout << output.string() << ": " << pairs.size() << " pairs\n";
  });
}
