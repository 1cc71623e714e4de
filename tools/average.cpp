// rlhf-average.
#include "average.h"

#include <filesystem>
#include <vector>

#include "rlhf/core/log.h"
#include "rlhf/io/model_path.h"
#include "rlhf/nn/average_models.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/same_tokens.h"

#include "output_file.h"

namespace rlhf {

void average(const AverageConfig& config) {
  std::vector<std::filesystem::path> folders;
  for (const std::string& model : config.model) folders.push_back(read_model_folder(model).path);
  const auto tokenizer = load_tokenizer(folders.front());
  for (const auto& folder : folders)
    check_same_tokens(*tokenizer, read_model_folder(folder), "model", config.model.front());
  make_parent_folder(config.output);
  average_models(folders, config.output);
  log_info("wrote the mean of " + std::to_string(folders.size()) + " models to " + config.output);
}

}  // namespace rlhf
