// rlhf-generate: samples responses to prompts, or chats.
#include "generate.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/data/samples.h"
#include "rlhf/data/templates.h"
#include "rlhf/io/model_path.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/records.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/same_tokens.h"

#include "answer_writer.h"
#include "chat.h"
#include "choose_templates.h"
#include "judge.h"
#include "long_texts.h"
#include "output_file.h"
#include "score_answers.h"

namespace rlhf {

namespace {

/// The prompts of a file or of --prompt that fit, as token ids, each with the text that was tokenised.
class PromptList {
 public:
  PromptList(const GenerateConfig& config, std::int64_t positions, const Tokenizer& tokenizer,
             const Templates& templates)
      : limits_(config.over_length, positions - config.max_new_tokens,
                "the model's " + std::to_string(positions) + " positions minus --max-new-tokens", tokenizer.bos_id()) {
    if (config.max_new_tokens >= positions)
      throw ConfigError({"max_new_tokens: expected less than the model's " + std::to_string(positions) +
                         " positions, found " + std::to_string(config.max_new_tokens)});
    read(config);
    total_ = static_cast<std::int64_t>(records_.size());
    auto made = make_prompts(records_, tokenizer, templates, std::numeric_limits<std::int64_t>::max()).samples;
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (!limits_.fit(made[i].ids, places_[i])) continue;
      if (!records_[i].chat) made[i].text = templates.prompt.prompt(made[i].text);
      samples_.push_back(std::move(made[i]));
    }
    if (samples_.empty())
      throw DataError((config.input.empty() ? "prompt" : config.input) +
                      ": expected at least one prompt that is short " +
                      "enough, found none; hint: lower --max-new-tokens, or add --over-length truncate_left");
  }

  const std::vector<PromptSample>& samples() const { return samples_; }
  void report() const { limits_.report(total_); }

 private:
  void read(const GenerateConfig& config) {
    if (config.input.empty()) {
      records_ = {{config.prompt, "{}"}};
      places_ = {"prompt"};
      return;
    }
    const RecordReading reading{{{"prompt", config.field}}, /*max_bad_lines=*/0};
    for_each_prompt({config.input}, reading, [&](Prompt record, const RecordPlace& place) {
      records_.push_back(std::move(record));
      places_.push_back(place.text);
    });
  }

  LongTexts limits_;
  std::vector<Prompt> records_;
  std::vector<std::string> places_;
  std::vector<PromptSample> samples_;
  std::int64_t total_ = 0;
};

/// The folder of --reward, if there is one. It must have the tokens of the model.
std::optional<ModelFolder> read_judge_of(const GenerateConfig& config, const ModelFolder& model,
                                         const Tokenizer& tokenizer) {
  if (config.reward.empty()) return std::nullopt;
  ModelFolder folder = read_judge_folder(config.reward);
  check_same_tokens(tokenizer, folder, "reward", "the model (" + model.path.string() + ")");
  return folder;
}

void chat(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
          const Templates& templates) {
  const ChatTemplate& chat_template = templates.chat_template();  // throws before the model is loaded
  const Compute compute = resolve_compute_of(folder, config.device, config.dtype);
  const auto model = load_causal_lm(folder, compute.device, compute.dtype, false);
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  GenerateConfig stopping = config;
  // A template whose turns end in plain text: no token ends an answer, but this text does.
  if (const EndOfTurn& end = templates.end_of_turn; !end.id && !end.text.empty()) stopping.stop.push_back(end.text);
  Chat(stopping, folder, tokenizer, chat_template, *model).run(std::cin, std::cout, terminal);
}

void answer_prompts(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
                    const Templates& templates) {
  const auto judge_folder = read_judge_of(config, folder, tokenizer);
  std::int64_t positions = folder.shape.max_positions;
  if (judge_folder) positions = std::min(positions, judge_folder->shape.max_positions);
  const PromptList prompts(config, positions, tokenizer, templates);
  const Compute compute = resolve_compute_of(folder, config.device, config.dtype);
  const auto model = load_causal_lm(folder, compute.device, compute.dtype, false);
  std::optional<Judge> judge;
  if (judge_folder) judge.emplace(*judge_folder, compute);
  AnswerWriter writer(config, folder, tokenizer, *model, judge ? judge->source() : nullptr);
  write_output(config.output, [&](std::ostream& out) { writer.write(prompts.samples(), out); });
  prompts.report();
  if (!config.output.empty())
    log_info("wrote the responses to " + std::to_string(prompts.samples().size()) + " prompts to " + config.output);
}

}  // namespace

Templates choose_templates(const std::string& prompt_template, const std::string& chat_template,
                           const ModelFolder& folder, const Tokenizer& tokenizer) {
  Templates templates;
  templates.prompt = !prompt_template.empty() ? PromptTemplate::of_option(prompt_template)
                     : folder.prompt_template ? PromptTemplate(*folder.prompt_template)
                                              : PromptTemplate();
  choose_chat_template(templates, chat_template, folder.tokenizer_path(), tokenizer);
  templates.stop_ids = stop_ids(folder, tokenizer, templates.end_of_turn.id);
  return templates;
}

void run_generate(const GenerateConfig& config) {
  if (config.threads) at::set_num_threads(static_cast<int>(*config.threads));
  std::error_code none;
  if (std::filesystem::equivalent(config.input, config.output, none))
    throw ConfigError({"output: expected another file than input, found " + config.output});
  check_output(config.output, config.overwrite);
  const at::NoGradGuard no_gradient;
  if (config.scores_given_answers()) return score_answers(config);
  ModelFolder folder = read_model_folder(find_model(config.model));
  const auto tokenizer = load_tokenizer(folder.tokenizer_path(), folder.shape.vocab_size);
  const Templates templates = choose_templates(config.template_, config.chat_template, folder, *tokenizer);
  folder.eos_ids = templates.stop_ids;
  if (config.chat) return chat(config, folder, *tokenizer, templates);
  answer_prompts(config, folder, *tokenizer, templates);
}

}  // namespace rlhf
