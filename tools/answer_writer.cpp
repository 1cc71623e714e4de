// Samples responses to prompts, scores them and writes them as text or JSON lines.
#include "answer_writer.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "answer_stream.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kGenerateStream = 0x67656e;

}  // namespace

SamplingOptions sampling_options(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer) {
  SamplingOptions sampling{.max_new_tokens = config.max_new_tokens,
                           .temperature = config.temperature,
                           .top_p = config.top_p,
                           .top_k = config.top_k,
                           .stop_ids = stop_ids(folder, tokenizer),
                           .never = ids_without_token(tokenizer, folder.shape.vocab_size),
                           .seed = static_cast<std::uint64_t>(config.seed)};
  return sampling;
}

AnswerWriter::AnswerWriter(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
                           CausalLM& model, std::unique_ptr<RewardSource> reward)
    : config_(config),
      tokenizer_(tokenizer),
      model_(model),
      stop_(tokenizer, config.stop),
      sampling_(sampling_options(config, folder, tokenizer)),
      reward_(std::move(reward)) {
  if (!stop_.empty()) sampling_.stops = [this](const TokenIds& answer) { return stop_.reached(answer); };
}

void AnswerWriter::write(const std::vector<PromptSample>& prompts, std::ostream& out) {
  const auto samples = static_cast<std::size_t>(config_.num_samples);
  const std::size_t at_once = std::max<std::size_t>(1, 8 * static_cast<std::size_t>(config_.batch_size) / samples);
  for (std::size_t begin = 0; begin < prompts.size(); begin += at_once)
    write_some(prompts, begin, std::min(prompts.size(), begin + at_once), out);
}

void AnswerWriter::write_some(const std::vector<PromptSample>& prompts, std::size_t begin, std::size_t end,
                              std::ostream& out) {
  const auto samples = static_cast<std::size_t>(config_.num_samples);
  const bool json = config_.json || !config_.output.empty();
  const bool streams = !json && end - begin == 1 && samples == 1 && isatty(STDOUT_FILENO) == 1;
  const Answers answers = answer(prompts, begin, end, streams);
  for (std::size_t first = 0; first < answers.texts.size(); first += samples) {
    const auto scores = answers.scores.begin() + static_cast<std::ptrdiff_t>(answers.scores.empty() ? 0 : first);
    const auto best =
        config_.best
            ? static_cast<std::size_t>(std::max_element(scores, scores + static_cast<std::ptrdiff_t>(samples)) - scores)
            : 0;
    for (std::size_t i = first; i < first + samples; ++i) {
      if (config_.best && i != first + best) continue;
      if (json) write_json(prompts[begin + i / samples], answers, i, out);
      if (!json && !streams) out << text_of(prompts[begin + i / samples], answers.texts[i]);
      out << '\n';
    }
  }
  if (!out.flush())
    throw OutputError("writing responses: cannot write " + (config_.output.empty() ? "stdout" : config_.output));
}

AnswerWriter::Answers AnswerWriter::answer(const std::vector<PromptSample>& prompts, std::size_t begin, std::size_t end,
                                           bool streams) {
  std::vector<GenerationRequest> requests;
  for (std::size_t i = begin; i < end; ++i)
    for (std::int64_t sample = 0; sample < config_.num_samples; ++sample)
      requests.push_back({&prompts[i].ids, random_stream(kGenerateStream, i, static_cast<std::uint64_t>(sample))});
  if (config_.max_new_tokens == 0) return {std::vector<Generation>(requests.size()), {}};
  AnswerStream stream(tokenizer_, stop_, prompts[begin].ids, std::cout);
  std::function<void(std::size_t, std::int32_t)> on_token;
  if (streams) on_token = [&](std::size_t, std::int32_t token) { stream.add(token); };
  Answers answers{generate(model_, requests, sampling_, config_.batch_size, on_token), {}};
  if (streams) stream.finish();
  if (reward_) answers.scores = score(prompts, begin, answers.texts);
  return answers;
}

std::vector<float> AnswerWriter::score(const std::vector<PromptSample>& prompts, std::size_t begin,
                                       const std::vector<Generation>& answers) {
  std::vector<const TokenIds*> ids;
  std::vector<ResponseRecord> responses;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const PromptSample& prompt = prompts[begin + i / static_cast<std::size_t>(config_.num_samples)];
    ids.push_back(&prompt.ids);
    responses.push_back({prompt.text, text_of(prompt, answers[i]), prompt.extra, answers[i].finish});
  }
  return reward_->score({make_rollout(ids, answers, model_.device()), responses});
}

void AnswerWriter::write_json(const PromptSample& prompt, const Answers& answers, std::size_t i,
                              std::ostream& out) const {
  const Generation& answer = answers.texts[i];
  nlohmann::ordered_json line{
      {"prompt_text", prompt.text},      {"prompt_ids", prompt.ids},
      {"token_ids", answer.tokens},      {"logprobs", answer.logprobs},
      {"text", text_of(prompt, answer)}, {"finish", answer.finish == Finish::stop ? "stop" : "length"}};
  if (!answers.scores.empty()) line["score"] = answers.scores[i];
  if (config_.num_samples > 1) line["sample"] = static_cast<std::int64_t>(i) % config_.num_samples;
  if (!config_.input.empty()) line["record"] = nlohmann::ordered_json::parse(prompt.extra);
  out << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace rlhf
