// Samples responses to prompts, scores them and writes them as text or JSON lines.
#include "answer_writer.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <unistd.h>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"
#include "rlhf/core/signals.h"

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
      reward_(std::move(reward)),
      samples_(static_cast<std::size_t>(config.num_samples)),
      json_(config.json || !config.output.empty()) {
  if (!stop_.empty()) sampling_.stops = [this](const TokenIds& answer) { return stop_.reached(answer); };
}

void AnswerWriter::write(std::span<const PromptSample> prompts, std::ostream& out) {
  const std::size_t at_once = std::max<std::size_t>(1, 8 * static_cast<std::size_t>(config_.batch_size) / samples_);
  try {
    for (std::size_t begin = 0; begin < prompts.size(); begin += at_once) {
      const auto some = prompts.subspan(begin, std::min(at_once, prompts.size() - begin));
      write_group({some, begin, std::vector<std::optional<Generation>>(some.size() * samples_)}, out);
    }
  } catch (...) {
    if (prompts.size() > 1)
      log_warning("stopped after the responses to " + std::to_string(written_) + " of " +
                  std::to_string(prompts.size()) + " prompts");
    throw;
  }
}

bool AnswerWriter::streams(const Group& group) const {
  return !json_ && group.answers.size() == 1 && isatty(STDOUT_FILENO) == 1;
}

bool AnswerWriter::complete(const Group& group, std::size_t prompt) const {
  const auto first = group.answers.begin() + static_cast<std::ptrdiff_t>(prompt * samples_);
  return std::all_of(first, first + static_cast<std::ptrdiff_t>(samples_),
                     [](const std::optional<Generation>& answer) { return answer.has_value(); });
}

void AnswerWriter::write_group(Group group, std::ostream& out) {
  try {
    generate_group(group, out);
  } catch (...) {
    const StopDeferral keep_what_is_complete;
    write_rest(group, out);
    throw;
  }
}

void AnswerWriter::generate_group(Group& group, std::ostream& out) {
  if (config_.max_new_tokens == 0) {
    for (auto& answer : group.answers) answer.emplace();
    return write_complete(group, out);
  }
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < group.answers.size(); ++i)
    requests.push_back(
        {&group.prompts[i / samples_].ids, random_stream(kGenerateStream, group.first + i / samples_, i % samples_)});
  AnswerStream stream(tokenizer_, stop_, group.prompts.front().ids, out);
  std::function<void(std::size_t, std::int32_t)> on_token;
  const bool is_streamed = streams(group);
  if (is_streamed) on_token = [&](std::size_t, std::int32_t token) { stream.add(token); };
  generate(model_, requests, sampling_, config_.batch_size, on_token, /*work=*/nullptr,
           [&](std::size_t request, const Generation& answer) {
             if (is_streamed) stream.finish();
             group.answers[request] = answer;
             write_complete(group, out);
           });
}

/// Writes the responses that are complete, up to the first prompt that is not.
void AnswerWriter::write_complete(Group& group, std::ostream& out) {
  std::size_t end = group.next;
  while (end < group.prompts.size() && complete(group, end)) ++end;
  if (end == group.next) return;
  write_prompts(group, group.next, end, out);
  group.next = end;
}

/// Writes the complete responses behind one that is not. JSON lines have their prompt, so none has to be in its place.
void AnswerWriter::write_rest(Group& group, std::ostream& out) {
  if (!json_) return;
  for (; group.next < group.prompts.size(); ++group.next)
    if (complete(group, group.next)) write_prompts(group, group.next, group.next + 1, out);
}

void AnswerWriter::write_prompts(const Group& group, std::size_t begin, std::size_t end, std::ostream& out) {
  const bool scored = reward_ && config_.max_new_tokens > 0;
  const std::vector<float> scores = scored ? score(group, begin, end) : std::vector<float>();
  for (std::size_t prompt = begin; prompt < end; ++prompt) {
    const auto of_prompt = scores.begin() + static_cast<std::ptrdiff_t>(scored ? (prompt - begin) * samples_ : 0);
    const auto best = static_cast<std::size_t>(
        config_.best ? std::max_element(of_prompt, of_prompt + static_cast<std::ptrdiff_t>(samples_)) - of_prompt : 0);
    for (std::size_t sample = 0; sample < samples_; ++sample) {
      if (config_.best && sample != best) continue;
      const std::optional<float> score =
          scored ? std::optional(of_prompt[static_cast<std::ptrdiff_t>(sample)]) : std::nullopt;
      write_answer(group.prompts[prompt], *group.answers[prompt * samples_ + sample], sample, score, streams(group),
                   out);
    }
    ++written_;
  }
}

void AnswerWriter::write_answer(const PromptSample& prompt, const Generation& answer, std::size_t sample,
                                std::optional<float> score, bool is_streamed, std::ostream& out) {
  if (json_) {
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    out << shown_on(out, json_of(prompt, answer, sample, score).dump(-1, ' ', false, kReplace));
  } else {
    if (!is_streamed) out << shown_on(out, text_of(prompt, answer));
    if (score) {
      char line[32];
      std::snprintf(line, sizeof line, "\n[score %.4f]", static_cast<double>(*score));
      out << line;
    }
  }
  out << '\n';
  if (!out.flush())
    throw OutputError("writing responses: cannot write " + (config_.output.empty() ? "stdout" : config_.output));
}

std::vector<float> AnswerWriter::score(const Group& group, std::size_t begin, std::size_t end) {
  std::vector<const TokenIds*> ids;
  std::vector<Generation> answers;
  std::vector<ResponseRecord> responses;
  for (std::size_t i = begin * samples_; i < end * samples_; ++i) {
    const PromptSample& prompt = group.prompts[i / samples_];
    ids.push_back(&prompt.ids);
    answers.push_back(*group.answers[i]);
    responses.push_back({prompt.text, text_of(prompt, answers.back()), prompt.extra, answers.back().finish});
  }
  return reward_->score({make_rollout(ids, answers, model_.device()), responses});
}

nlohmann::ordered_json AnswerWriter::json_of(const PromptSample& prompt, const Generation& answer, std::size_t sample,
                                             std::optional<float> score) const {
  nlohmann::ordered_json line{
      {"prompt_text", prompt.text},      {"prompt_ids", prompt.ids},
      {"token_ids", answer.tokens},      {"logprobs", answer.logprobs},
      {"text", text_of(prompt, answer)}, {"finish", answer.finish == Finish::stop ? "stop" : "length"}};
  if (score) line["score"] = *score;
  if (samples_ > 1) line["sample"] = sample;
  if (!config_.input.empty()) line["record"] = nlohmann::ordered_json::parse(prompt.extra);
  return line;
}

}  // namespace rlhf
