// agreement-pictures --demo runs/demo --output docs/images: draws demo-light.svg and demo-dark.svg from the output of
// `make demo`.
#include <filesystem>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

#include "pictures.h"
#include "program.h"

int main(int argc, char** argv) {
  std::filesystem::path demo = "runs/demo", output = "docs/images";
  CLI::App app("Draws the pictures of the README from the result of the demo.");
  app.add_option("--demo", demo, "folder of the demo, default runs/demo");
  app.add_option("--output", output, "folder for demo-light.svg and demo-dark.svg, default docs/images");
  CLI11_PARSE(app, argc, argv);
  return agreement::run_program([&] {
    const std::string text = rlhf::read_file(demo / "summary.json", rlhf::ExitCode::data);
    const auto summary = nlohmann::ordered_json::parse(text);
    for (const auto& [name, theme] :
         {std::pair{"demo-light.svg", rlhf::Theme::light}, std::pair{"demo-dark.svg", rlhf::Theme::dark}})
      rlhf::write_file_atomically(output / name, agreement::demo_picture(summary, demo / "ppo", theme));
  });
}
