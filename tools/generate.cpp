// rlhf-generate: samples responses to prompts, or chats.
#include "generate.h"

#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/data/samples.h"
#include "rlhf/data/templates.h"
#include "rlhf/io/model_path.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/same_tokens.h"

#include "answer_writer.h"
#include "chat.h"

namespace rlhf {

namespace {

DtypeChoice dtype_of_file(const ModelFolder& folder) {
  return folder.file_dtype == at::kBFloat16 ? DtypeChoice::bfloat16 : DtypeChoice::float32;
}

Templates choose_templates(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer) {
  Templates templates;
  templates.prompt = !config.template_.empty() ? PromptTemplate(config.template_)
                     : folder.prompt_template  ? PromptTemplate(*folder.prompt_template)
                                               : PromptTemplate();
  choose_chat_template(templates, config.chat_template, folder.path, tokenizer);
  return templates;
}

/// The prompts as token ids, each with the text that was tokenised.
std::vector<PromptSample> load_prompts(const GenerateConfig& config, const ModelFolder& folder,
                                       const Tokenizer& tokenizer, const Templates& templates) {
  std::vector<Prompt> records{{config.prompt, "{}"}};
  if (!config.input.empty()) records = read_prompts({config.input}, {{{"prompt", config.field}}, 0}).records;
  auto samples = make_prompts(records, tokenizer, templates, std::numeric_limits<std::int64_t>::max()).samples;
  const std::int64_t longest = folder.shape.max_positions - config.max_new_tokens;
  if (longest < 1)
    throw ConfigError({"max_new_tokens: expected less than the model's " + std::to_string(folder.shape.max_positions) +
                       " positions, found " + std::to_string(config.max_new_tokens)});
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (static_cast<std::int64_t>(samples[i].ids.size()) > longest)
      throw DataError("prompt " + std::to_string(i + 1) + ": expected at most " + std::to_string(longest) +
                      " tokens (the model's " + std::to_string(folder.shape.max_positions) +
                      " positions minus --max-new-tokens), found " + std::to_string(samples[i].ids.size()) +
                      "; hint: shorten the prompt or lower --max-new-tokens");
    if (!records[i].chat) samples[i].text = templates.prompt.prompt(samples[i].text);
  }
  return samples;
}

/// The optional reward model of --reward, which must have the tokens of the model.
class Judge {
 public:
  Judge(const std::string& path, const ModelFolder& model, const Tokenizer& tokenizer, const Compute& compute) {
    if (path.empty()) return;
    const ModelFolder folder = read_model_folder(find_model(path));
    if (!folder.scalar_head)
      throw ModelError("reward: " + path +
                       ": expected a model with a scalar head, found a language model; hint: train one with rlhf-rm");
    check_same_tokens(tokenizer, folder, "reward", "the model (" + model.path.string() + ")");
    model_.emplace(load_scalar_model(folder, compute.device, compute.dtype, /*requires_grad=*/false));
  }
  std::unique_ptr<RewardSource> source() {
    constexpr std::int64_t kTokensAtOnce = 8192;
    return model_ ? reward_from_model(*model_, kTokensAtOnce) : nullptr;
  }

 private:
  std::optional<ScalarModel> model_;
};

}  // namespace

void run_generate(const GenerateConfig& config) {
  if (config.threads) at::set_num_threads(static_cast<int>(*config.threads));
  std::error_code none;
  if (std::filesystem::equivalent(config.input, config.output, none))
    throw ConfigError({"output: expected another file than input, found " + config.output});
  const at::NoGradGuard no_gradient;
  ModelFolder folder = read_model_folder(find_model(config.model));
  const auto tokenizer = load_tokenizer(folder.path, folder.shape.vocab_size);
  const Templates templates = choose_templates(config, folder, *tokenizer);
  folder.eos_ids = stop_ids(folder, *tokenizer, templates.end_of_turn.id);
  if (config.chat) templates.chat_template();  // throws before the model is loaded
  const auto prompts = config.chat ? std::vector<PromptSample>() : load_prompts(config, folder, *tokenizer, templates);
  const DtypeChoice dtype = config.dtype == DtypeChoice::auto_ ? dtype_of_file(folder) : config.dtype;
  const Compute compute = resolve_compute(config.device, dtype);
  const auto model = load_causal_lm(folder, compute.device, compute.dtype, false);
  if (config.chat) {
    const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    return Chat(config, folder, *tokenizer, templates.chat_template(), *model).run(std::cin, std::cout, terminal);
  }
  Judge judge(config.reward, folder, *tokenizer, compute);
  AnswerWriter writer(config, folder, *tokenizer, *model, judge.source());
  if (config.output.empty()) return writer.write(prompts, std::cout);
  write_file_gradually(config.output, [&](std::ostream& file) { writer.write(prompts, file); });
}

}  // namespace rlhf
