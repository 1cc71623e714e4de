#pragma once

#include <vector>

#include "feedback/run_em.h"

namespace rlhf {

/// ln P(vote l of annotator k | truth c), [annotators, choices of the truth, choices of the vote].
using VoteTables = std::vector<double>;

/// The E-step of models whose votes depend on annotator and truth only. `log_shares` [choices] is ln P(truth c).
/// Returns the log-likelihood.
double label_posterior(const Votes& votes, const std::vector<double>& log_shares, const VoteTables& log_tables,
                       const EmOptions& options, LabelPosterior& labels);

}  // namespace rlhf
