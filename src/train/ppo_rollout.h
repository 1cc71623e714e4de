#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rlhf/train/on_policy.h"
#include "rlhf/train/ppo.h"

#include "stage_clock.h"

namespace rlhf {

/// The responses of a step with their scores.
struct PpoRollout {
  std::vector<const PromptSample*> prompts;  ///< [B], one per response
  Rollout rollout;
  std::vector<ResponseRecord> responses;  ///< [B]
  Scores scores;             ///< clipped, spread and terms are of all rounds of sampling, the rest of these
  std::int64_t sampled = 0;  ///< responses of all rounds of sampling
  RunningMoments moments;  ///< of all scores of the run, those of all rounds included; unchanged without reward.scaling
};

/// Samples and scores the responses of a step, and adds its work and seconds to `done`. With
/// rollout.refill_equal_groups, further rounds sample prompts of `refill` in place of those whose responses all have
/// the same score, until there is none or the rounds are used up (dynamic sampling of DAPO, arXiv:2503.14476, eq. 11).
/// `moments` are those of the scores of the steps before, for reward.scaling.
PpoRollout sample_ppo_rollout(PpoModels& models, const RunningMoments& moments,
                              std::span<const PromptSample* const> prompts, const TokenIds& stop_ids,
                              const PpoConfig& config, const StepPosition& at, const RefillPrompts& refill,
                              StageClock& clock, PpoStep& done);

}  // namespace rlhf
