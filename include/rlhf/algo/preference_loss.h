#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/algo/reward_loss.h"

/// Losses that train a policy on P pairs of completions, without a reward model. All but kto_loss() are sums over
/// pairs,
///   Σ w·(p·l + (1 − p)·l'),
/// l' the loss of the other order, which is l(−R) for a loss of a difference R, with w, p and the margin m of
/// PairLabels; evidence must be undefined where bradley_terry_loss() is not used. Labels that are wrong with
/// probability ε have p = 1 − ε (cDPO), or without bias (1 − ε) / (1 − 2ε) (robust DPO, arXiv:2403.00409).
///
/// All are differentiable functions of the log-probabilities of the policy; a NaN gives a NaN. Shapes: all [P]. Errors:
/// ShapeError; ArgumentError unless β > 0.
namespace rlhf {

/// Log-probabilities of the completions of P pairs in nats, [P] each: log π(y|x), sums over the tokens of y.
struct PairLogprobs {
  at::Tensor chosen, rejected;                          ///< of the policy
  at::Tensor ref_chosen = {}, ref_rejected = {};        ///< of the reference; undefined: not needed by the loss
  at::Tensor chosen_tokens = {}, rejected_tokens = {};  ///< |y|, the numbers of tokens, at least 1; same dtype
};

/// Σ −log σ(R), R = r_c − r_r − m: Bradley-Terry with the implicit reward r = β·log(π(y|x) / π_ref(y|x)).
/// Source: arXiv:2305.18290, eq. 7; the margin arXiv:2402.10571, eq. 3.
at::Tensor dpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta);

/// The same with the mean over the tokens, r = β/|y|·log(π(y|x) / π_ref(y|x)), so that long completions gain nothing by
/// their length. Source: arXiv:2411.15124, eq. 6.
at::Tensor dpo_norm_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta);

/// Σ max(0, 1 − R), R as in dpo_loss(). Source: arXiv:2309.06657, eq. 9.
at::Tensor dpo_hinge_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta);

/// Σ (R − 1/(2β))², R = r_c − r_r − m with r = 1/|y|·log(π(y|x) / π_ref(y|x)): pulls R to 1/(2β) nats per token and no
/// further. Source: arXiv:2310.12036, eq. 17, whose τ is β; the mean over the tokens is what its authors used (TRL).
at::Tensor dpo_ipo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta);

/// Σ −log σ(R − γ), R = r_c − r_r − m with r = β/|y|·log π(y|x): no reference.
/// Source: arXiv:2405.14734, eq. 6.
at::Tensor simpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta, double gamma);

/// Σ n(chosen) − β·log σ(R): supervised fine-tuning on the chosen completion, n = −1/|y|·log π(y|x), plus β times the
/// loss of R = r_c − r_r − m, r = log(P / (1 − P)) with P = exp(−n), the odds of the completion. No reference. Source:
/// arXiv:2403.07691, eq. 6 and 7, whose λ is β. P is at most 1 − 1e-6.
at::Tensor orpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta);

/// Σ d·(1 − σ(r − β·kl)) + u·(1 − σ(β·kl − r)) over N completions, r as in dpo_loss(): each alone is better or worse
/// than usual. d and u say how far it counts as desirable and as undesirable, `kl` is a scalar, from kto_kl(). Shapes:
/// [N] each. Source: arXiv:2402.01306, eq. 8, where d is λ_D or 0, and u 0 or λ_U.
at::Tensor kto_loss(const at::Tensor& logprobs, const at::Tensor& ref_logprobs, const at::Tensor& desirable,
                    const at::Tensor& undesirable, double beta, const at::Tensor& kl);

/// The estimate of KL(π‖π_ref) in kto_loss(): max(0, mean of logprobs − ref_logprobs) over completions that belong to
/// other prompts, a scalar without a gradient. Shapes: [M] each, M ≥ 1. Errors: ShapeError.
/// Source: arXiv:2402.01306, section 4.1.
at::Tensor kto_kl(const at::Tensor& logprobs, const at::Tensor& ref_logprobs);

}  // namespace rlhf
