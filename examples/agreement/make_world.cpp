// agreement-world --seed 1 --output runs/demo/world: writes the data of the demo, which depends only on the seed.

#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include "rlhf/core/atomic_file.h"

#include "program.h"
#include "world.h"

namespace {

using nlohmann::json;

template <typename Item, typename ToJson>
void write_lines(const std::filesystem::path& file, const std::vector<Item>& items, const ToJson& to_json) {
  std::string lines;
  for (const Item& item : items) lines += to_json(item).dump() + "\n";
  rlhf::write_file_atomically(file, lines);
}

void write_world(const agreement::World& world, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_lines(folder / "text.jsonl", world.text, [](const std::string& text) { return json{{"text", text}}; });
  write_lines(folder / "demonstrations.jsonl", world.demonstrations, [](const agreement::Demonstration& it) {
    return json{{"prompt", agreement::prompt_of(it.question)}, {"completion", it.completion}};
  });
  write_lines(folder / "pair_prompts.jsonl", world.pair_prompts, agreement::record_of);
  write_lines(folder / "prompts.jsonl", world.rollout_prompts, agreement::record_of);
  write_lines(folder / "eval.jsonl", world.evaluation, agreement::record_of);
  std::vector<agreement::Question> wrong;  // for rlhf-eval sycophancy
  for (const agreement::Question& question : world.evaluation)
    if (agreement::kind_of(question.sum(), question.hint) == agreement::Kind::wrong_hint) wrong.push_back(question);
  write_lines(folder / "questions.jsonl", wrong, agreement::checked_record_of);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes the questions, demonstrations and prompts of the demo.");
  std::uint64_t seed = 1;
  std::filesystem::path output;
  app.add_option("--seed", seed, "seed of all files");
  app.add_option("--output", output, "folder to write")->required();
  CLI11_PARSE(app, argc, argv);
  return agreement::run_program([&] {
    const agreement::World world = agreement::make_world(seed);
    write_world(world, output);
    std::cout << output.string() << ": " << world.text.size() << " documents, " << world.demonstrations.size()
              << " demonstrations, " << world.evaluation.size() << " evaluation questions\n";
  });
}
