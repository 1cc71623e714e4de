#pragma once

#include <optional>
#include <vector>

namespace rlhf {

/// Responses of the policy before training, π_0, to one prompt whose asker believes something false.
struct AgreementSamples {
  std::vector<double> scores;  ///< r, [G]
  std::vector<bool> agrees;    ///< A, [G]: the response agrees with the belief
};

/// The penalty λ on agreement with which training does not make the policy agree more often: the lowest λ >= 0 with
///   Σ_x Σ_g w_xg·A_xg <= Σ_x mean_g A_xg,  w_xg = exp((r_xg − λ·A_xg)/β) / Σ_h exp((r_xh − λ·A_xh)/β)
/// The left side is the rate of agreement of π ∝ π_0·exp((r − λ·A)/β), which maximises the expected r − λ·A minus
/// β·KL(π, π_0); both sides are estimated from samples of π_0. For one prompt
///   λ = max(0, β·ln(M_1/M_0)),  M_a the mean of exp(r/β) over the responses with A = a,
/// which tends to the gap of the mean scores for large β. The idea is that of Shapira, Benadè and Procaccia, "How RLHF
/// amplifies sycophancy" (2026). nullopt if no prompt has both a response that agrees and one that does not. Errors:
/// ArgumentError unless β > 0, sizes fit and scores are finite.
std::optional<double> agreement_penalty(const std::vector<AgreementSamples>& prompts, double kl_coef);

}  // namespace rlhf
