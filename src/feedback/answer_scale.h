#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/feedback/latent_annotators.h"

#include "feedback/cumulative_logit.h"
#include "feedback/newton.h"

namespace rlhf {

/// Cut points before there are data: 1, 2, ….
std::vector<double> prior_cuts(std::int32_t scale);

/// The range of s + noise that leads to an answer; `cuts` of its scale.
AnswerRange range_of(std::int32_t answer, std::int32_t scale, const std::vector<double>& cuts);

/// An answer, with the predictor of its annotator and pair.
struct PredictedAnswer {
  std::int32_t answer = 0;
  double s = 0;
};

/// Σ ln P(answer | s) plus the log prior, by the gaps g_1 = c_1, g_j = c_j − c_(j−1) [(scale − 1) / 2]. A gap has the
/// density g·e^(−g), with its mode at 1, which keeps cut points apart where a step of the scale was never used.
ConcavePoint gap_posterior(std::int32_t scale, const std::vector<PredictedAnswer>& answers,
                           const std::vector<double>& gaps);

/// The cut points where gap_posterior is largest.
std::vector<double> fit_cuts(std::int32_t scale, const std::vector<PredictedAnswer>& answers,
                             const std::vector<double>& start);

}  // namespace rlhf
