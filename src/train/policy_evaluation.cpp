// Evaluation of a policy on prompts that are not trained on.
#include "rlhf/train/policy_evaluation.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "rlhf/algo/kl.h"
#include "rlhf/config/metrics_list.h"

#include "sum_over_ranks.h"

namespace rlhf {

namespace {

/// The scale of training changes from step to step; scores of evaluations are compared with each other. The range of
/// the clipping is one of scaled scores.
RewardOptions unscaled(RewardOptions reward) {
  if (std::exchange(reward.scaling, RewardScaling::none) != RewardScaling::none) reward.clip_range = {0, 0};
  return reward;
}

/// Adds the sums over the responses of one batch.
void add_batch(const EvaluatedModels& models, std::span<const PromptSample* const> prompts,
               const RolloutOptions& options, const RewardOptions& reward, const RolloutDraws& draws,
               std::int64_t micro_batch_tokens, PolicyEvaluation& sums) {
  const Rollout rollout = collect_rollout(models.policy, prompts, options, models.stop_ids, models.tokenizer, draws,
                                          sums.work, models.ranks);
  const auto responses = read_responses(rollout, prompts, models.tokenizer);
  const Scores scores =
      score_responses(models.reward, rollout, responses, reward, sums.work, /*moments=*/nullptr, models.ranks);
  const at::Tensor ref_logprobs = logprobs_of(models.reference, rollout, all_sequences(rollout),
                                              {options.temperature, micro_batch_tokens, models.ranks}, sums.work);
  sums.score += scores.values.sum(at::kDouble).item<double>();
  sums.kl += kl_k1(rollout.logprobs, ref_logprobs).sum(at::kDouble).item<double>();
  sums.length += static_cast<double>(rollout.responses.total());
  sums.ended += static_cast<double>(std::count(rollout.finish.begin(), rollout.finish.end(), Finish::stop));
  sums.agreement += scores.agreement;
  sums.repetition += sum_repetition(responses);
  if (models.held_out != nullptr) {
    const RewardOptions unchanged{.missing_eos = MissingEos::none};
    const Scores held_out = score_responses(*models.held_out, rollout, responses, unchanged, sums.work,
                                            /*moments=*/nullptr, models.ranks);
    sums.held_out_score = sums.held_out_score.value_or(0) + held_out.values.sum(at::kDouble).item<double>();
  }
  if (scores.spread) sums.spread = sums.spread.value_or(0) + *scores.spread * static_cast<double>(responses.size());
  sums.terms.resize(scores.terms.size());
  for (std::size_t i = 0; i < scores.terms.size(); ++i) {
    sums.terms[i].name = scores.terms[i].name;
    sums.terms[i].mean += scores.terms[i].mean * static_cast<double>(responses.size());
  }
  sums.tokens += rollout.batch.segments.total();
}

}  // namespace

std::unique_ptr<PolicyEvaluation> evaluate_policy(const EvaluatedModels& models,
                                                  std::span<const PromptSample* const> prompts,
                                                  const RolloutOptions& rollout, const RewardOptions& reward,
                                                  double kl_coef, std::int64_t seed, std::int64_t micro_batch_tokens) {
  auto found = std::make_unique<PolicyEvaluation>();
  found->kl_coef = kl_coef;
  const auto size = static_cast<std::size_t>(rollout.batch_size);
  const RewardOptions compared = unscaled(reward);
  for (std::size_t begin = 0, batch = 0; begin < prompts.size(); begin += size, ++batch) {
    const RolloutDraws draws{
        .seed = seed, .step = static_cast<std::int64_t>(batch), .purpose = RolloutPurpose::evaluation};
    add_batch(models, prompts.subspan(begin, std::min(size, prompts.size() - begin)), rollout, compared, draws,
              micro_batch_tokens, *found);
  }
  sum_over_ranks(models.ranks, found->work);
  const auto responses = static_cast<double>(prompts.size());
  found->agreement_penalty =
      reward.agreement_penalty.number.value_or(0) * static_cast<double>(found->agreement.agreeing);
  for (std::optional<double>* mean : {&found->spread, &found->held_out_score})
    if (*mean) **mean /= responses;
  for (TermMean& term : found->terms) term.mean /= responses;
  for (double* mean : {&found->score, &found->kl, &found->length, &found->ended, &found->agreement_penalty})
    *mean /= responses;
  return found;
}

Metrics PolicyEvaluation::metrics() const {
  Metrics named{{"objective/scores", score},
                {"objective/kl", kl},
                {"objective/rlhf_reward", score - kl_coef * kl},
                {"rollout/response_length", length},
                {"rollout/ended", ended}};
  if (const auto mean = repetition.mean()) named.set("rollout/repetition", *mean);
  if (held_out_score) named.set("objective/held_out_scores", *held_out_score);
  if (held_out_peak_kl) named.set("objective/held_out_peak_kl", *held_out_peak_kl);
  if (spread) named.set("objective/scores_spread", *spread);
  for (const TermMean& term : terms) named.set(std::string(kTermPrefix) + term.name, term.mean);
  if (const auto share = agreement.share()) {
    named.set("objective/agreement", *share);
    named.set("objective/agreement_penalty", agreement_penalty);
  }
  return named;
}

Metrics PolicyEvaluation::headline() const {
  Metrics named{
      {"objective/scores", score}, {"objective/kl", kl}, {"rollout/response_length", length}, {"rollout/ended", ended}};
  if (held_out_score) named.set("objective/held_out_scores", *held_out_score);
  if (const auto share = agreement.share()) named.set("objective/agreement", *share);
  return named;
}

}  // namespace rlhf
