#pragma once

#include <filesystem>
#include <string>

#include "rlhf/train/run_options.h"

namespace rlhf {

/// Prints the result of --eval-only as a table, and writes it to `output` as one JSON object, if that is not empty;
/// its folder is created and an existing file is replaced. Throws OutputError.
void show_evaluation(const Evaluation& evaluation, const std::string& model, const std::filesystem::path& output);

}  // namespace rlhf
