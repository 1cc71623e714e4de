// Losses of pairs of scores, and the centering term.
#include "rlhf/algo/reward_loss.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

#include "algo/check_numbers.h"
#include "algo/labelled_sum.h"

namespace rlhf {
namespace {

void check_scores(const at::Tensor& chosen, const at::Tensor& rejected) {
  check_shape(chosen, "chosen", {-1});
  check_vector(chosen, "chosen", -1, chosen.device());
  check_vector(rejected, "rejected", chosen.size(0), chosen.device());
}

/// Σ w·(p·loss(R) + (1 − p)·loss(−R)).
template <typename Loss>
at::Tensor sum_over_gaps(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels,
                         const Loss& loss) {
  check_scores(chosen, rejected);
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
  return labelled_sum(
      loss(gap), [&] { return loss(gap.neg()); }, labels);
}

void expect_no_evidence(const PairLabels& labels) {
  if (labels.evidence.defined()) throw ShapeError("evidence: expected no tensor for this loss, found one");
}

}  // namespace

at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels) {
  const at::Tensor& evidence = labels.evidence;
  if (evidence.defined()) check_vector(evidence, "evidence", chosen.size(0), chosen.device());
  return sum_over_gaps(chosen, rejected, labels, [&](const at::Tensor& gap) {
    const at::Tensor plain = at::log_sigmoid(gap).neg();
    return evidence.defined() ? plain.add(at::log_sigmoid(gap.add(evidence))) : plain;
  });
}

at::Tensor ipo_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels, double tau) {
  check_argument(tau > 0, "tau", "above 0", tau);
  expect_no_evidence(labels);
  return sum_over_gaps(chosen, rejected, labels, [&](const at::Tensor& gap) { return gap.sub(0.5 / tau).square(); });
}

at::Tensor hinge_loss(const at::Tensor& chosen, const at::Tensor& rejected, const PairLabels& labels) {
  expect_no_evidence(labels);
  return sum_over_gaps(chosen, rejected, labels, [](const at::Tensor& gap) { return gap.neg().add(1).relu(); });
}

at::Tensor centering_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& weight) {
  check_scores(chosen, rejected);
  return weighted_sum(chosen.add(rejected).square(), weight);
}

}  // namespace rlhf
