#pragma once

#include <vector>

#include "rlhf/feedback/em.h"
#include "rlhf/feedback/labels.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

/// Annotators of different ability and items of different ease:
///   P(vote of annotator k on item i is right) = σ(α_k·β_i), wrong votes spread evenly; β_i = exp(b_i) > 0
///   prior: α_k, b_i ~ N(1, 1); every choice is equally likely to be true
/// An ability below 0 turns votes round. The M-step is one sweep of Newton steps, first over α, then over b, each
/// halved until it does not lower the expected log-likelihood. Whitehill et al., "Whose vote should count more" (NIPS
/// 2009). Checked against crowd-kit, whose M-step is a conjugate gradient method, at the maximum that both reach.
struct Glad {
  LabelPosterior labels;
  std::vector<double> ability;  ///< α, [annotators]; 1 without votes
  std::vector<double> ease;     ///< β, [items]; e without votes
  EmReport report;
};
/// Errors: ArgumentError.
Glad fit_glad(const Votes& votes, const EmOptions& options = {});

}  // namespace rlhf
