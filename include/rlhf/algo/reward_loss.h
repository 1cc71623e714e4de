#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// What is known of P pairs, [P] each; undefined stands for the value in brackets. A ranking of K completions
/// contributes all its pairs, C(K, 2) if there are no ties, each with weight 1 / number of pairs; for the mean, divide
/// by the number of rankings.
struct PairLabels {
  at::Tensor margin = {};  ///< m, in reward units [0]
  at::Tensor weight = {};  ///< w [1]
  /// p: the chosen completion is better with this probability [1]. Label smoothing with a share ε of wrong labels is
  /// p = 1 − ε (cDPO); its unbiased form is p = (1 − ε) / (1 − 2ε), above 1 (arXiv:2403.00409): its loss has the
  /// expectation of the loss on labels without errors, and no lower bound.
  at::Tensor target = {};
  /// L: log P(votes | the chosen one is better) − log P(votes | the other one is better) [+∞: an answer beyond doubt].
  /// Above −∞.
  at::Tensor evidence = {};
  /// a: how far to trust the label [1]; 0: it says nothing. The difference of the scores is multiplied by it.
  at::Tensor trust = {};
};

/// Bradley-Terry loss: Σ w·(p·l(R) + (1 − p)·l(−R)), R = a·(r_c − r_r − m),
///   l(R) = −log[σ(R) + σ(−R)·e^(−L)] = −log σ(R) + log σ(R + L):
/// minus the log-likelihood of the votes, up to a constant, if P(the chosen one is better) = σ(R). That is
/// −log σ(R) for L = +∞, and 0 for L = 0, which says nothing. ∂l/∂R = σ(R) − σ(R + L), and σ(R + L) is the posterior
/// probability that the chosen one is better: each step is one of EM.
/// Shapes: chosen, rejected [P]. Differentiable; a NaN gives a NaN. Errors: ShapeError.
/// Source: arXiv:2203.02155, eq. 1; margin arXiv:2307.09288, eq. 2.
at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels = {});

/// Σ w·(p·l(R) + (1 − p)·l(−R)), l(R) = (R − 1/(2τ))²: pulls the difference of the scores to 1/(2τ) reward units, where
/// Bradley-Terry raises it without bound on a pair that is always right. `labels.evidence` must be undefined. The rest
/// is as above. Errors also: ArgumentError unless τ > 0.
/// Source: arXiv:2310.12036, with scores in place of log-ratios.
at::Tensor ipo_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels, double tau);

/// Σ w·(p·l(R) + (1 − p)·l(−R)), l(R) = max(0, 1 − R). `labels.evidence` must be undefined. The rest is as above.
/// Source: arXiv:2305.10425, eq. 2, and arXiv:2309.06657, eq. 9, with scores.
at::Tensor hinge_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels = {});

/// Centering term: Σ w·(r_c + r_r)², which keeps the scores near 0. Shapes: chosen, rejected [P]; weight [P], or
/// undefined for 1. Errors: ShapeError. Differentiable.
/// Source: arXiv:2312.09244.
at::Tensor centering_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& weight);

}  // namespace rlhf
