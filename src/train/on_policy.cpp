// Prompts, rollouts and scores of methods that train on their own samples.
#include "rlhf/train/on_policy.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "rlhf/algo/kl.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/packed_batch.h"
#include "rlhf/text/stop_strings.h"

#include "rank_share.h"

namespace rlhf {

namespace {

// Distinct from the streams that shuffle prompts, and from each other.
constexpr std::uint64_t kRolloutStream = 0x726f6c6c;
constexpr std::uint64_t kRefillStream = 0x72656669;
constexpr std::uint64_t kEvaluationStream = 0x65766c72;
constexpr std::uint64_t kAgreementStream = 0x61677265;

std::uint64_t stream_of(RolloutPurpose purpose) {
  switch (purpose) {
    case RolloutPurpose::training:
      return kRolloutStream;
    case RolloutPurpose::refill:
      return kRefillStream;
    case RolloutPurpose::evaluation:
      return kEvaluationStream;
    case RolloutPurpose::agreement_penalty:
      break;
  }
  return kAgreementStream;
}

void check_no_null(std::span<const PromptSample* const> prompts) {
  if (std::ranges::find(prompts, nullptr) != prompts.end())
    throw ArgumentError("prompts: expected prompts, found a null pointer");
}

/// Throws ShapeError unless there is one of `name` per response of the rollout.
void check_count(const std::string& name, std::size_t found, const Rollout& rollout) {
  if (found == rollout.finish.size()) return;
  throw ShapeError(name + ": expected " + std::to_string(rollout.finish.size()) + ", one per response, found " +
                   std::to_string(found));
}

void check_scores(const std::vector<float>& scores, std::size_t responses) {
  if (scores.size() != responses)
    throw ShapeError("rewards: expected " + std::to_string(responses) + ", one per response, found " +
                     std::to_string(scores.size()));
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!std::isfinite(scores[i]))
      throw NumericsError("reward of response " + std::to_string(i) + ": expected a finite number, found " +
                          std::to_string(scores[i]));
}

float with_missing_eos(float score, const RewardOptions& options) {
  switch (options.missing_eos) {
    case MissingEos::replace:
      return static_cast<float>(options.missing_eos_value);
    case MissingEos::subtract:
      return score - static_cast<float>(std::abs(options.missing_eos_value));
    case MissingEos::none:
      break;
  }
  return score;
}

/// Scales by the moments of all scores so far, these included. Returns what they were divided by.
std::optional<double> scale(std::vector<float>& scores, RewardScaling scaling, RunningMoments* moments) {
  if (scaling == RewardScaling::none) return std::nullopt;
  check_argument(moments != nullptr, "moments", "those of the scores so far, with reward.scaling", "none");
  moments->add(scores);
  const double mean = scaling == RewardScaling::running_mean_std ? moments->mean : 0, deviation = moments->deviation();
  for (float& score : scores) score = static_cast<float>((static_cast<double>(score) - mean) / deviation);
  return deviation;
}

bool clips(const RewardOptions& options) { return options.clip_range[0] < options.clip_range[1]; }

/// Clips to options.clip_range and returns the number of scores that were outside.
std::int64_t clip(std::vector<float>& scores, const RewardOptions& options) {
  const auto [lowest, highest] = options.clip_range;
  std::int64_t clipped = 0;
  for (float& score : scores) {
    const auto inside = static_cast<float>(std::clamp(static_cast<double>(score), lowest, highest));
    clipped += inside != score;
    score = inside;
  }
  return clipped;
}

/// The prompts `first`, …, `first` + `count` − 1 of `order`, each repeated once per response.
std::vector<const PromptSample*> take_prompts(const BatchOrder& order, const std::vector<PromptSample>& prompts,
                                              std::int64_t first, std::int64_t count, std::int64_t responses) {
  std::vector<const PromptSample*> taken;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t number = order.batch(first + i).front();
    check_argument(number < prompts.size(), "order", "an order of these prompts", number);
    taken.insert(taken.end(), static_cast<std::size_t>(responses), &prompts[number]);
  }
  return taken;
}

/// What a reward source says.
struct Answer {
  std::vector<float> scores, spread;  ///< [B]; without a spread that is empty
  std::vector<TermMean> terms;
};

Answer ask(RewardSource& reward, const Rollout& rollout, std::span<const ResponseRecord> responses,
           WorkCounters& work) {
  Answer answer;
  answer.scores = reward.score({rollout, responses, &work, &answer.spread, &answer.terms});
  check_scores(answer.scores, responses.size());
  return answer;
}

/// The tokens of each sequence.
std::vector<std::int64_t> lengths_of(const Rollout& rollout) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < std::ssize(rollout.finish); ++i) lengths.push_back(rollout.batch.segments.length(i));
  return lengths;
}

/// The same, of all ranks. A rank without responses asks for one that another one has, to know the terms and whether
/// there is a spread, and leaves its score out.
Answer ask(RewardSource& reward, const Rollout& rollout, std::span<const ResponseRecord> responses, WorkCounters& work,
           const Ranks& ranks) {
  if (ranks.size() == 1 || responses.empty()) return ask(reward, rollout, responses, work);
  const RankShare share = share_of_rank(lengths_of(rollout), ranks.rank(), ranks.size());
  std::vector<std::size_t> asked(std::max<std::size_t>(1, share.size()));
  std::iota(asked.begin(), asked.end(), std::min(share.begin, responses.size() - 1));
  const Answer own =
      ask(reward, select_sequences(rollout, asked), responses.subspan(asked.front(), asked.size()), work);
  const std::size_t count = responses.size();
  std::vector<double> numbers(2 * count + own.terms.size(), 0);
  for (std::size_t i = 0; i < share.size(); ++i) {
    numbers[share.begin + i] = own.scores[i];
    if (!own.spread.empty()) numbers[count + share.begin + i] = own.spread[i];
  }
  const double weight = static_cast<double>(share.size()) / static_cast<double>(count);
  for (std::size_t i = 0; i < own.terms.size(); ++i) numbers[2 * count + i] = weight * own.terms[i].mean;
  ranks.sum(numbers, "scores");
  const auto scores = numbers.begin(), spread = scores + std::ssize(responses), terms = spread + std::ssize(responses);
  Answer all{{scores, spread}, {}, own.terms};
  if (!own.spread.empty()) all.spread.assign(spread, terms);
  for (std::size_t i = 0; i < all.terms.size(); ++i) all.terms[i].mean = numbers[2 * count + i];
  return all;
}

std::optional<double> mean_of(const std::vector<float>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::int64_t PromptData::longest() const {
  std::size_t longest = 0;
  for (const PromptSample& prompt : prompts.samples) longest = std::max(longest, prompt.ids.size());
  return static_cast<std::int64_t>(longest);
}

std::int64_t PromptData::mean_tokens() const {
  return prompts.report.tokens / std::max<std::int64_t>(1, static_cast<std::int64_t>(prompts.samples.size()));
}

PromptData load_prompts(const PromptDataOptions& options, const Setup& setup) {
  const auto records = read_prompts(options.prompts, {options.fields, options.max_bad_lines});
  PromptData data{make_prompts(records.records, *setup.tokenizer, setup.templates, options.max_prompt_length,
                               options.max_bad_lines, options.over_length),
                  records.counts};
  DataReport& report = data.prompts.report;
  report.kind = data.counts.kind();
  report.notes = data.counts.notes();
  for (const std::string& line : data.counts.warnings()) log_warning("data: " + line);
  return data;
}

std::vector<std::string> first_prompts(const PromptData& data, const Tokenizer& tokenizer) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, data.prompts.samples.size()); ++i)
    shown.push_back(show_sample({data.prompts.samples[i].ids, {}}, tokenizer, false));
  return shown;
}

std::vector<const PromptSample*> choose_prompts(const BatchOrder& order, const std::vector<PromptSample>& prompts,
                                                std::int64_t step, const RolloutOptions& options) {
  check_argument(!prompts.empty(), "prompts", "at least one prompt", "none");
  check_argument(step >= 0, "step", "at least 0", step);
  check_argument(options.num_samples_per_prompt >= 1, "num_samples_per_prompt", "at least 1",
                 options.num_samples_per_prompt);
  const std::int64_t count = options.batch_size / options.num_samples_per_prompt;
  return take_prompts(order, prompts, step * count, count, options.num_samples_per_prompt);
}

std::vector<const PromptSample*> choose_refill_prompts(const BatchOrder& order,
                                                       const std::vector<PromptSample>& prompts, std::int64_t step,
                                                       std::int64_t round, std::int64_t count,
                                                       const RolloutOptions& options) {
  const std::int64_t most = options.batch_size / options.num_samples_per_prompt;
  check_argument(round >= 1 && round <= kMostRefillRounds, "round", "from 1 to " + std::to_string(kMostRefillRounds),
                 round);
  check_argument(count >= 1 && count <= most, "count", "from 1 to the prompts of a rollout", count);
  return take_prompts(order, prompts, (step * kMostRefillRounds + round - 1) * most, count,
                      options.num_samples_per_prompt);
}

Rollout collect_rollout(CausalLM& policy, std::span<const PromptSample* const> prompts, const RolloutOptions& options,
                        const TokenIds& stop_ids, const Tokenizer* tokenizer, const RolloutDraws& draws,
                        WorkCounters& work, const Ranks& ranks) {
  if (prompts.empty()) throw ShapeError("prompts: expected at least one prompt, found none");
  check_no_null(prompts);
  check_argument(draws.seed >= 0 && draws.step >= 0, "seed and step", "at least 0", std::min(draws.seed, draws.step));
  SamplingOptions sampling{.max_new_tokens = options.max_new_tokens,
                           .temperature = options.temperature,
                           .top_p = options.top_p,
                           .top_k = options.top_k,
                           .stop_ids = stop_ids,
                           .seed = static_cast<std::uint64_t>(draws.seed)};
  if (tokenizer) sampling.never = ids_without_token(*tokenizer, policy.shape().vocab_size);
  std::optional<StopStrings> stop;
  if (!options.stop.empty()) {
    if (!tokenizer) throw ConfigError({"rollout.stop: expected a tokenizer that decodes the responses, found none"});
    stop.emplace(*tokenizer, options.stop);
    sampling.stops = [&](const TokenIds& response) { return stop->reached(response); };
  }
  const std::uint64_t stream = stream_of(draws.purpose);
  std::vector<GenerationRequest> requests;
  const RankShare share = share_of_rank(prompts.size(), ranks.rank(), ranks.size());
  for (std::size_t i = share.begin; i < share.end; ++i)
    requests.push_back({&prompts[i]->ids, random_stream(stream, static_cast<std::uint64_t>(draws.step), i)});
  auto own = generate(policy, requests, sampling, std::max<std::int64_t>(1, std::ssize(requests)), {}, &work);
  work.processed_tokens += policy.take_processed_tokens();
  std::vector<const TokenIds*> ids;
  for (const PromptSample* prompt : prompts) ids.push_back(&prompt->ids);
  return make_rollout(ids, exchange_generations(std::move(own), share, ids.size(), options.max_new_tokens, ranks),
                      policy.device());
}

std::vector<ResponseRecord> read_responses(const Rollout& rollout, std::span<const PromptSample* const> prompts,
                                           const Tokenizer* tokenizer) {
  check_no_null(prompts);
  check_count("prompts", prompts.size(), rollout);
  const at::Tensor tokens = rollout.tokens.cpu();
  const std::int64_t* ids = tokens.const_data_ptr<std::int64_t>();
  std::vector<ResponseRecord> records;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto& offsets = rollout.responses.offsets;
    const TokenIds response(ids + offsets[i], ids + offsets[i + 1]);
    records.push_back({prompts[i]->text,
                       tokenizer ? decode_after(*tokenizer, prompts[i]->ids, response) : std::string(),
                       prompts[i]->extra, rollout.finish[i], prompts[i]->belief, repetition(response)});
  }
  return records;
}

Repetition& Repetition::operator+=(const Repetition& other) {
  sum += other.sum;
  responses += other.responses;
  return *this;
}

std::optional<double> Repetition::mean() const {
  if (responses == 0) return std::nullopt;
  return sum / static_cast<double>(responses);
}

Repetition sum_repetition(std::span<const ResponseRecord> responses) {
  Repetition sum;
  for (const ResponseRecord& response : responses)
    if (response.repetition) sum += {*response.repetition, 1};
  return sum;
}

Scores score_responses(RewardSource& reward, const Rollout& rollout, std::span<const ResponseRecord> responses,
                       const RewardOptions& options, WorkCounters& work, RunningMoments* moments, const Ranks& ranks) {
  check_count("responses", responses.size(), rollout);
  check_argument(options.agreement_penalty.number.has_value(), "reward.agreement_penalty",
                 "a number; hint: estimate_agreement_penalty()", "auto");
  auto [scores, spread, terms] = ask(reward, rollout, responses, work, ranks);
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (rollout.finish[i] != Finish::stop) scores[i] = with_missing_eos(scores[i], options);
  const std::optional<double> scaled_by = scale(scores, options.scaling, moments);
  const auto clipped = clips(options) ? std::optional(clip(scores, options)) : std::nullopt;
  const auto penalty = static_cast<float>(*options.agreement_penalty.number);
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (agrees(responses[i])) scores[i] -= penalty;
  return {to_device(scores, rollout.tokens.device()),
          clipped,
          count_agreement(responses),
          mean_of(spread),
          std::move(terms),
          scaled_by};
}

std::vector<nlohmann::ordered_json> sample_lines(const ScoredRollout& scored) {
  const Rollout& rollout = scored.rollout;
  check_count("responses", scored.responses.size(), rollout);
  check_shape(scored.scores, "scores", {static_cast<std::int64_t>(rollout.finish.size())});
  const at::Tensor scores = scored.scores.cpu();
  const at::Tensor kl = segment_sum(kl_k1(rollout.logprobs, scored.ref_logprobs), rollout.responses).cpu();
  std::vector<nlohmann::ordered_json> lines;
  for (std::size_t i = 0; i < scored.responses.size(); ++i) {
    const ResponseRecord& response = scored.responses[i];
    const auto row = static_cast<std::int64_t>(i);
    nlohmann::ordered_json line{{"prompt", response.prompt},
                                {"response", response.response},
                                {"score", scores[row].item<double>()},
                                {"kl", kl[row].item<double>()},
                                {"finish", response.finish == Finish::stop ? "stop" : "length"}};
    if (response.belief) line["agrees"] = agrees(response);
    line["record"] = parse_json(response.record, "record of response " + std::to_string(i), throw_as<ArgumentError>);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace rlhf
