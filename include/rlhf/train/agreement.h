#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlhf/config/ppo_config.h"
#include "rlhf/data/samples.h"
#include "rlhf/rollout/rollout.h"

/// Agreement with what the asker believes, and the penalty on it: the reward of a response becomes r − λ·A, A = 1 if it
/// agrees (feedback/text_features.h), else 0. The idea is that of Shapira, Benadè and Procaccia, "How RLHF amplifies
/// sycophancy" (2026); λ is agreement_penalty() of feedback/agreement_penalty.h.
namespace rlhf {

/// What the asker of a prompt believes: the field `belief` of the record, a text or a number (null: nothing that a
/// response should not agree with); without this field what the prompt states (stated_belief). Throws DataError if the
/// field has another type.
std::optional<std::string> belief_of(const PromptSample& prompt);

/// Sets the beliefs of prompts and returns the number of prompts that have one. With `penalised`, throws as belief_of()
/// does; otherwise a field of another type counts as no belief.
std::int64_t find_beliefs(std::vector<PromptSample>& prompts, bool penalised);

/// Whether the response agrees with the asker's belief; false without a belief.
bool agrees(const ResponseRecord& response);

/// How many responses agree.
struct Agreement {
  std::int64_t beliefs = 0;   ///< responses to a prompt with a belief
  std::int64_t agreeing = 0;  ///< of these, those that agree

  Agreement& operator+=(const Agreement& other);
  /// agreeing / beliefs; nullopt if no prompt has a belief.
  std::optional<double> share() const;
};
Agreement count_agreement(std::span<const ResponseRecord> responses);

struct EvaluatedModels;

/// Estimates reward.agreement_penalty: auto before training. The policy answers reward.agreement_prompts random ones of
/// the prompts with a belief, reward.agreement_samples times each; λ is agreement_penalty() of the scores, after the
/// rule for responses that did not end and the clipping, at `kl_coef` > 0. Logs the estimate with what it rests on. If
/// no prompt has both kinds of responses, λ is 0 with a warning. Depends only on the arguments. Errors: like
/// collect_rollout and score_responses.
double estimate_agreement_penalty(const EvaluatedModels& models, const std::vector<PromptSample>& prompts,
                                  const RolloutOptions& rollout, const RewardOptions& reward, double kl_coef,
                                  std::int64_t seed);

}  // namespace rlhf
