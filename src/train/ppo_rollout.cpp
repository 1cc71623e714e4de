// The rollout of a PPO step: one round of sampling, and further ones for prompts that teach nothing.
#include "ppo_rollout.h"

#include <algorithm>
#include <utility>

#include "rlhf/algo/group_advantages.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

namespace rlhf {

namespace {

/// The groups whose responses all have the same score.
std::vector<std::size_t> find_equal_groups(const Scores& scores, std::int64_t group_size) {
  const at::Tensor equal = equal_groups(scores.values, group_size).cpu();
  std::vector<std::size_t> found;
  for (std::int64_t i = 0; i < equal.size(0); ++i)
    if (equal.const_data_ptr<bool>()[i]) found.push_back(static_cast<std::size_t>(i));
  return found;
}

/// Adds the counts and means of another round; `share` is that of its responses in all.
void add_round(Scores& all, const Scores& round, double share) {
  const auto mix = [share](double& mean, double other) { mean += share * (other - mean); };
  if (all.clipped) *all.clipped += round.clipped.value_or(0);
  if (all.spread) mix(*all.spread, round.spread.value_or(0));
  for (std::size_t i = 0; i < all.terms.size(); ++i) mix(all.terms[i].mean, round.terms.at(i).mean);
  all.scale = round.scale;
}

/// The prompts of `refill` for `groups` groups.
std::vector<const PromptSample*> ask_refill(const RefillPrompts& refill, std::int64_t round, std::size_t groups,
                                            std::int64_t group_size) {
  check_given(refill, "refill", "a function, with rollout.refill_equal_groups above 0");
  auto prompts = refill(round, static_cast<std::int64_t>(groups));
  const std::size_t responses = groups * static_cast<std::size_t>(group_size);
  if (prompts.size() != responses)
    throw ShapeError("refill: expected " + std::to_string(responses) + " prompts, one per response, found " +
                     std::to_string(prompts.size()));
  if (std::ranges::find(prompts, nullptr) != prompts.end())
    throw ArgumentError("refill: expected prompts, found a null pointer");
  return prompts;
}

/// Moves the groups of `round` that differ within themselves into the places `places` of `all`.
void move_groups(PpoRollout& all, const PpoRollout& round, const std::vector<std::size_t>& places,
                 std::int64_t group_size) {
  const auto size = static_cast<std::size_t>(group_size);
  const std::vector<std::size_t> useless = find_equal_groups(round.scores, group_size);
  if (useless.size() == places.size()) return;
  std::vector<Generation> generations = generations_of(all.rollout);
  const std::vector<Generation> sampled = generations_of(round.rollout);
  auto place = places.begin();
  for (std::size_t group = 0; group * size < sampled.size(); ++group) {
    if (std::ranges::binary_search(useless, group)) continue;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t from = group * size + i, to = *place * size + i;
      all.prompts[to] = round.prompts[from];
      generations[to] = sampled[from];
      all.responses[to] = round.responses[from];
      all.scores.values[static_cast<std::int64_t>(to)].copy_(round.scores.values[static_cast<std::int64_t>(from)]);
    }
    ++place;
  }
  std::vector<const TokenIds*> ids;
  for (const PromptSample* prompt : all.prompts) ids.push_back(&prompt->ids);
  all.rollout = make_rollout(ids, generations, all.rollout.tokens.device());
  all.scores.agreement = count_agreement(all.responses);
}

}  // namespace

PpoRollout sample_ppo_rollout(PpoModels& models, const RunningMoments& moments,
                              std::span<const PromptSample* const> prompts, const TokenIds& stop_ids,
                              const PpoConfig& config, const StepPosition& at, const RefillPrompts& refill,
                              StageClock& clock, PpoStep& done) {
  const auto sample = [&](std::vector<const PromptSample*> asked, const RunningMoments& before,
                          const RolloutDraws& draws) {
    PpoRollout round{.prompts = std::move(asked), .moments = before};
    round.rollout = collect_rollout(models.policy, round.prompts, config.rollout, stop_ids, models.tokenizer, draws,
                                    done.work, models.ranks);
    round.responses = read_responses(round.rollout, round.prompts, models.tokenizer);
    round.sampled = static_cast<std::int64_t>(round.prompts.size());
    done.rollout_seconds += clock.lap();
    round.scores = score_responses(models.reward, round.rollout, round.responses, config.reward, done.work,
                                   &round.moments, models.ranks);
    return round;
  };
  PpoRollout all = sample({prompts.begin(), prompts.end()}, moments, {.seed = config.train.seed, .step = at.step});
  const std::int64_t group_size = config.rollout.num_samples_per_prompt;
  for (std::int64_t round = 1; round <= config.rollout.refill_equal_groups; ++round) {
    const std::vector<std::size_t> equal = find_equal_groups(all.scores, group_size);
    if (equal.empty()) break;
    done.score_seconds += clock.lap();
    const PpoRollout more = sample(ask_refill(refill, round, equal.size(), group_size), all.moments,
                                   {.seed = config.train.seed,
                                    .step = at.step * kMostRefillRounds + round - 1,
                                    .purpose = RolloutPurpose::refill});
    all.sampled += more.sampled;
    add_round(all.scores, more.scores, static_cast<double>(more.sampled) / static_cast<double>(all.sampled));
    move_groups(all, more, equal, group_size);
    all.moments = more.moments;
  }
  return all;
}

}  // namespace rlhf
