#pragma once

#include <optional>

#include "rlhf/feedback/disagreement.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

// Letters: n_ic votes for choice c on item i, n_i = Σ_c n_ic, K choices, I items with at least one vote. Every function
// is nullopt where it is undefined: no item has two votes, or (not for percent_agreement) no disagreement is expected
// by chance, because only one choice was ever made. Errors: ArgumentError for arguments whose sizes do not fit.

/// Probability that two different votes on one item agree, averaged over the items with at least two votes:
///   A = mean_i P_i,  P_i = Σ_c n_ic·(n_ic − 1) / (n_i·(n_i − 1))
std::optional<double> percent_agreement(const VoteCounts& counts);

/// Agreement of many annotators beyond chance: κ = (A − P_e) / (1 − P_e), P_e = Σ_c p_c², p_c = mean_i n_ic / n_i.
/// With the same number of votes on every item it is the statistic of Fleiss, "Measuring nominal scale agreement among
/// many raters" (1971); otherwise the extension in Gwet, "Handbook of inter-rater reliability" (2014), ch. 2. Checked
/// against statsmodels and irrCAC.
std::optional<double> fleiss_kappa(const VoteCounts& counts);

/// The same with another chance, which stays small if one choice dominates: P_e = Σ_c p_c·(1 − p_c) / (K − 1).
/// AC1 of Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement" (2008). Checked
/// against irrCAC.
std::optional<double> gwet_ac1(const VoteCounts& counts);

/// One minus observed over expected disagreement, for any number of votes per item; items with one vote are left out.
///   o_cd = Σ_i n_ic·(n_id − 1[c=d]) / (n_i − 1),  n_c = Σ_d o_cd,  n = Σ_c n_c
///   α = 1 − (n − 1)·Σ_cd o_cd·δ_cd / Σ_cd n_c·n_d·δ_cd
/// Krippendorff, "Computing Krippendorff's alpha-reliability" (2011). Checked against the package `krippendorff`.
std::optional<double> krippendorff_alpha(const VoteCounts& counts, const Disagreement& disagreement);

/// Agreement of two annotators beyond chance: κ = 1 − Σ_cd o_cd·δ_cd / Σ_cd e_cd·δ_cd, o the shares of the pairs
/// (c, d) of choices, e_cd the product of their margins. With nominal_disagreement the kappa of Cohen (1960), with
/// others his weighted kappa (1968). Undefined also for two annotators without a common item. Checked against
/// scikit-learn.
std::optional<double> cohen_kappa(const PairedChoices& pairs, const Disagreement& disagreement);

/// Accuracy a of single votes between two choices, from the probability A that two of them agree, if all annotators err
/// independently and equally often on both choices, and less than half of the time:
///   A = a² + (1 − a)²,  so a = (1 + √(2A − 1)) / 2;  ½ for A <= ½, where votes tell nothing.
/// Also the noise ceiling: the highest accuracy that can be expected of a perfect model on labels that are single
/// votes. Errors: ArgumentError unless 0 <= A <= 1.
double vote_accuracy(double percent_agreement);

}  // namespace rlhf
