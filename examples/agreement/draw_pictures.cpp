// agreement-pictures --demo runs/demo --output docs/images: draws demo-light.svg, demo-dark.svg,
// judges-light.svg and judges-dark.svg from the output of `make demo`.
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
  app.add_option("--output", output, "folder for the pictures, default docs/images");
  CLI11_PARSE(app, argc, argv);
  return agreement::run_program([&] {
    const auto read = [&](const char* name) {
      return nlohmann::ordered_json::parse(rlhf::read_file(demo / name, rlhf::ExitCode::data));
    };
    const auto summary = read("summary.json"), judges = read("judges.json");
    for (const auto& [name, theme] :
         {std::pair{"light.svg", rlhf::Theme::light}, std::pair{"dark.svg", rlhf::Theme::dark}}) {
      rlhf::write_file_atomically(output / ("demo-" + std::string(name)),
                                  agreement::demo_picture(summary, demo / "ppo", theme));
      rlhf::write_file_atomically(output / ("judges-" + std::string(name)), agreement::judges_picture(judges, theme));
    }
  });
}
