// The losses of the reward model and their centering term.
#include "rlhf/algo/reward_loss.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

/// Σ weight · terms, [P] each; an undefined weight is 1.
at::Tensor weighted_sum(const at::Tensor& terms, const at::Tensor& weight) {
  if (!weight.defined()) return terms.sum();
  check_vector(weight, "weight", terms.size(0), terms.device());
  return terms.mul(weight).sum();
}

void check_scores(const at::Tensor& chosen, const at::Tensor& rejected) {
  check_shape(chosen, "chosen", {-1});
  check_vector(chosen, "chosen", -1, chosen.device());
  check_vector(rejected, "rejected", chosen.size(0), chosen.device());
}

/// Σ w·(p·loss(R) + (1 − p)·loss(−R)).
template <typename Loss>
at::Tensor labelled_sum(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels,
                        const Loss& loss) {
  const auto check = [&](const at::Tensor& tensor, const char* name) {
    check_vector(tensor, name, chosen.size(0), chosen.device());
  };
  at::Tensor gap = chosen.sub(rejected);
  if (labels.margin.defined()) {
    check(labels.margin, "margin");
    gap = gap.sub(labels.margin);
  }
  if (labels.trust.defined()) {
    check(labels.trust, "trust");
    gap = gap.mul(labels.trust);
  }
  at::Tensor terms = loss(gap);
  if (labels.target.defined()) {
    check(labels.target, "target");
    terms = terms.mul(labels.target).add(loss(gap.neg()).mul(labels.target.neg().add(1)));
  }
  return weighted_sum(terms, labels.weight);
}

}  // namespace

at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels) {
  check_scores(chosen, rejected);
  const at::Tensor& evidence = labels.evidence;
  if (evidence.defined()) check_vector(evidence, "evidence", chosen.size(0), chosen.device());
  return labelled_sum(chosen, rejected, labels, [&](const at::Tensor& gap) {
    const at::Tensor plain = at::log_sigmoid(gap).neg();
    return evidence.defined() ? plain.add(at::log_sigmoid(gap.add(evidence))) : plain;
  });
}

at::Tensor ipo_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels, double tau) {
  check_scores(chosen, rejected);
  check_argument(tau > 0, "tau", "above 0", tau);
  if (labels.evidence.defined()) throw ShapeError("evidence: expected no tensor for this loss, found one");
  return labelled_sum(chosen, rejected, labels, [&](const at::Tensor& gap) { return gap.sub(0.5 / tau).square(); });
}

at::Tensor centering_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& weight) {
  check_scores(chosen, rejected);
  return weighted_sum(chosen.add(rejected).square(), weight);
}

}  // namespace rlhf
