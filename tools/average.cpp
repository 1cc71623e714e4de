// rlhf-average.
#include "average.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/io/model_path.h"
#include "rlhf/nn/average_models.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/same_tokens.h"

#include "output_file.h"

namespace rlhf {
namespace {

/// Models that are farther from their mean were not trained from the same one: two unrelated models of equal length
/// have the distance 1, and K have √(K − 1).
constexpr double kRelated = 0.5;

}  // namespace

void average(const AverageConfig& config) {
  std::vector<std::filesystem::path> folders;
  for (const std::string& model : config.model) {
    const ModelFolder folder = read_model_folder(model);
    if (folder.adapter)
      throw ModelError("model: " + model +
                       ": expected a whole model, found an adapter; hint: merge it into its base with rlhf-merge");
    folders.push_back(folder.path);
  }
  const auto tokenizer = load_tokenizer(folders.front());
  for (const auto& folder : folders)
    check_same_tokens(*tokenizer, read_model_folder(folder), "model", config.model.front());
  make_parent_folder(config.output);
  const double distance = average_models(folders, config.output);
  const std::string found = std::to_string(std::lround(100 * distance)) + " % of its length";
  log_info("wrote the mean of " + std::to_string(folders.size()) + " models to " + config.output +
           "; the largest distance of a model from it is " + found);
  if (distance > kRelated)
    log_warning("the models are as far from their mean as models that were not trained from the same one: " + found +
                "; the mean is probably useless");
}

}  // namespace rlhf
