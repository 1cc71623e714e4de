#include "generate.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <limits>
#include <sstream>
#include <unistd.h>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/data/samples.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

namespace {

constexpr std::uint64_t kGenerateStream = 0x67656e;

DtypeChoice dtype_of_file(const ModelFolder& folder) {
  return folder.file_dtype == at::kBFloat16 ? DtypeChoice::bfloat16 : DtypeChoice::float32;
}

std::vector<PromptSample> load_prompts(const GenerateConfig& config, const ModelFolder& folder,
                                       const Tokenizer& tokenizer) {
  Templates templates;
  templates.prompt = !config.template_.empty() ? PromptTemplate(config.template_)
                     : folder.prompt_template  ? PromptTemplate(*folder.prompt_template)
                                               : PromptTemplate();
  choose_chat_template(templates, "", config.model, tokenizer);
  std::vector<Prompt> records{{config.prompt, "{}"}};
  if (!config.input.empty()) records = read_prompts({config.input}, {{{"prompt", config.field}}, 0}).records;
  auto samples = make_prompts(records, tokenizer, templates, std::numeric_limits<std::int64_t>::max()).samples;
  const std::int64_t longest = folder.shape.max_positions - config.max_new_tokens;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (static_cast<std::int64_t>(samples[i].ids.size()) > longest)
      throw DataError("prompt " + std::to_string(i + 1) + ": expected at most " + std::to_string(longest) +
                      " tokens (the model's " + std::to_string(folder.shape.max_positions) +
                      " positions less --max-new-tokens), found " + std::to_string(samples[i].ids.size()));
  return samples;
}

/// Prints an answer while it grows; bytes of a character that is not complete yet wait for the rest.
class Stream {
 public:
  explicit Stream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  void operator()(std::int32_t token) {
    ids_.push_back(token);
    const std::string text = tokenizer_.decode(ids_);
    if (text.ends_with("\uFFFD") || text.size() <= printed_) return;
    std::cout << text.substr(printed_) << std::flush;
    printed_ = text.size();
  }

 private:
  const Tokenizer& tokenizer_;
  TokenIds ids_;
  std::size_t printed_ = 0;
};

nlohmann::ordered_json to_json(const PromptSample& prompt, const Generation& answer, const Tokenizer& tokenizer,
                               const GenerateConfig& config, std::int64_t sample) {
  nlohmann::ordered_json line{{"prompt_ids", prompt.ids},
                              {"token_ids", answer.tokens},
                              {"logprobs", answer.logprobs},
                              {"text", tokenizer.decode(answer.tokens)},
                              {"finish", answer.finish == Finish::stop ? "stop" : "length"}};
  if (config.num_samples > 1) line["sample"] = sample;
  if (!config.input.empty()) line["record"] = nlohmann::ordered_json::parse(prompt.extra);
  return line;
}

/// Continues prompts in order, a few batches at a time, so that answers appear while later ones are still to come.
class Writer {
 public:
  Writer(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer, CausalLM& model)
      : config_(config), tokenizer_(tokenizer), model_(model) {
    sampling_ = {.max_new_tokens = config.max_new_tokens,
                 .temperature = config.temperature,
                 .top_p = config.top_p,
                 .top_k = config.top_k,
                 .stop_ids = folder.eos_ids,
                 .seed = static_cast<std::uint64_t>(config.seed)};
    if (const auto eos = tokenizer.eos_id()) sampling_.stop_ids.push_back(*eos);
  }

  void write(const std::vector<PromptSample>& prompts, std::ostream& out) {
    const auto samples = static_cast<std::size_t>(config_.num_samples);
    const std::size_t at_once = std::max<std::size_t>(1, 8 * static_cast<std::size_t>(config_.batch_size) / samples);
    for (std::size_t begin = 0; begin < prompts.size(); begin += at_once)
      write_some(prompts, begin, std::min(prompts.size(), begin + at_once), out);
  }

 private:
  void write_some(const std::vector<PromptSample>& prompts, std::size_t begin, std::size_t end, std::ostream& out) {
    std::vector<GenerationRequest> requests;
    for (std::size_t i = begin; i < end; ++i)
      for (std::int64_t sample = 0; sample < config_.num_samples; ++sample)
        requests.push_back({&prompts[i].ids, random_stream(kGenerateStream, i, static_cast<std::uint64_t>(sample))});
    const bool json = config_.json || !config_.output.empty();
    const bool streams = !json && requests.size() == 1 && isatty(STDOUT_FILENO) == 1;
    Stream stream(tokenizer_);
    std::function<void(std::size_t, std::int32_t)> on_token;
    if (streams) on_token = [&](std::size_t, std::int32_t token) { stream(token); };
    const auto answers = answer(requests, on_token);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const PromptSample& prompt = prompts[begin + i / static_cast<std::size_t>(config_.num_samples)];
      if (json)
        out << to_json(prompt, answers[i], tokenizer_, config_, static_cast<std::int64_t>(i) % config_.num_samples)
                   .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      else if (!streams)
        out << tokenizer_.decode(answers[i].tokens);
      out << '\n';
    }
    if (!out.flush()) throw OutputError("writing answers: stdout: cannot be written");
  }

  std::vector<Generation> answer(const std::vector<GenerationRequest>& requests,
                                 const std::function<void(std::size_t, std::int32_t)>& on_token) {
    if (config_.max_new_tokens == 0) return std::vector<Generation>(requests.size());
    return generate(model_, requests, sampling_, config_.batch_size, on_token);
  }

  const GenerateConfig& config_;
  const Tokenizer& tokenizer_;
  CausalLM& model_;
  SamplingOptions sampling_;
};

}  // namespace

void run_generate(const GenerateConfig& config) {
  if (config.threads) at::set_num_threads(static_cast<int>(*config.threads));
  std::error_code none;
  if (std::filesystem::equivalent(config.input, config.output, none))
    throw ConfigError({"output: expected another file than input, found " + config.output});
  const at::NoGradGuard no_gradient;
  const ModelFolder folder = read_model_folder(config.model);
  const auto tokenizer = load_tokenizer(config.model);
  const auto prompts = load_prompts(config, folder, *tokenizer);
  const DtypeChoice dtype = config.dtype == DtypeChoice::auto_ ? dtype_of_file(folder) : config.dtype;
  const Compute compute = resolve_compute(config.device, dtype);
  const auto model = load_causal_lm(folder, compute.device, compute.dtype, false);
  Writer writer(config, folder, *tokenizer, *model);
  if (config.output.empty()) return writer.write(prompts, std::cout);
  std::ostringstream text;
  writer.write(prompts, text);
  write_file_atomically(config.output, text.str());
}

}  // namespace rlhf
