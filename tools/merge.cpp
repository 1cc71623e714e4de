// rlhf-merge.
#include "merge.h"

#include <ATen/core/grad_mode.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/model_path.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/text/tokenizer.h"

#include "output_file.h"

namespace rlhf {
namespace {

/// What the folder has besides weights: the tokenizer, template and stop ids that the adapter was trained with.
SaveOptions save_options(const ModelFolder& folder) {
  SaveOptions options{
      .dtype = folder.file_dtype, .prompt_template = folder.prompt_template.value_or(""), .stop_ids = folder.eos_ids};
  if (!has_tokenizer(folder.tokenizer_path())) return options;
  const auto tokenizer = load_tokenizer(folder.tokenizer_path(), folder.shape.vocab_size);
  options.tokenizer_files = read_side_files(tokenizer->files());
  if (folder.scalar_head && !folder.padding_is_eos) options.pad_id = tokenizer->pad_id();
  return options;
}

}  // namespace

void merge(const MergeConfig& config) {
  const at::NoGradGuard no_gradient;
  if (is_there(config.output))
    throw OutputError("output: " + config.output + ": expected a new folder, found one that is there");
  ModelFolder folder = read_model_folder(find_model(config.model));
  if (!folder.adapter)
    throw ModelError("model: " + config.model + ": expected the folder of an adapter, found a whole model");
  const SaveOptions options = save_options(folder);
  make_parent_folder(config.output);
  ModelFolder whole = folder;  // what is saved
  whole.adapter.reset();
  if (folder.scalar_head) {
    ScalarModel model = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/false);
    save_scalar_model(whole, named_values(model.parameters()), folder.reward_mean, options, config.output);
    if (folder.reward_temperature) keep_reward_temperature(config.output, *folder.reward_temperature);
  } else {
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/false);
    save_causal_lm(whole, named_values(model->parameters()), options, config.output);
  }
  log_info("merged " + folder.path.string() + " into " + folder.base.string() + "; the model is in " + config.output);
}

}  // namespace rlhf
