// --eval-only: the result as a table and as JSON.
#include "evaluation.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "output_file.h"

namespace rlhf {
namespace {

void print_row(const std::string& name, std::size_t width, const std::string& value) {
  std::cout << name << std::string(width - name.size() + 2, ' ') << value << '\n';
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string shown_count(const Evaluation& evaluation) {
  const std::string count = std::to_string(evaluation.samples);
  if (evaluation.samples == evaluation.available) return count;
  return count + " of " + std::to_string(evaluation.available) + " (eval.max_samples=0 evaluates all)";
}

}  // namespace

void show_evaluation(const Evaluation& evaluation, const std::string& model, const std::filesystem::path& output) {
  std::size_t width = std::string("samples").size();
  for (const auto& [name, value] : evaluation.metrics.items()) width = std::max(width, name.size());
  print_row("model", width, model);
  print_row("samples", width, shown_count(evaluation));
  for (const auto& [name, value] : evaluation.metrics.items()) print_row(name, width, shown(value));
  if (!std::cout.flush()) throw OutputError("writing the evaluation: cannot write stdout");
  if (output.empty()) return;
  nlohmann::ordered_json json{
      {"model", model}, {"samples", evaluation.samples}, {"available_samples", evaluation.available}};
  for (const auto& [name, value] : evaluation.metrics.items()) json[name] = value;
  make_parent_folder(output);
  write_file_atomically(output, json.dump(2) + "\n");
  log_info("wrote " + output.string());
}

}  // namespace rlhf
