// Log-probabilities of one chunk of logits, by kernels or by LibTorch's operators.
#include "tensor/chunk_logprobs.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>

#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

at::ScalarType statistics_dtype(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

at::Tensor part(const at::Tensor& rows, std::int64_t begin, std::int64_t end) {
  return rows.defined() ? rows.slice(0, begin, end) : rows;
}

/// z/τ in fp32 (fp64 for fp64), as a new tensor.
at::Tensor scaled_logits(const at::Tensor& z, double temperature) {
  return z.to(statistics_dtype(z.scalar_type()), /*non_blocking=*/false, /*copy=*/true).div_(temperature);
}

void read_by_operators(const at::Tensor& logits, const at::Tensor& targets, double temperature,
                       const RowStatistics& rows) {
  const at::Tensor z = scaled_logits(logits, temperature);
  const at::Tensor lse = at::logsumexp(z, 1);
  rows.lse.copy_(lse);
  rows.logprobs.copy_(z.gather(1, targets.unsqueeze(1)).squeeze(1).sub(lse));
  if (rows.correct.defined()) rows.correct.copy_(z.argmax(1).eq(targets));
  if (!rows.entropy.defined()) return;
  const at::Tensor log_p = z.sub(lse.unsqueeze(1));
  rows.entropy.copy_(log_p.exp().mul_(log_p).sum(1).neg_());
}

at::Tensor gradient_by_operators(const at::Tensor& logits, const at::Tensor& targets, double temperature,
                                 const RowStatistics& rows, const RowGradients& gradients) {
  at::Tensor log_p = scaled_logits(logits, temperature).sub_(rows.lse.unsqueeze(1));
  at::Tensor grad = log_p.exp();
  if (gradients.entropy.defined()) {
    log_p.add_(rows.entropy.unsqueeze(1)).mul_(gradients.entropy.unsqueeze(1));
    if (gradients.logprobs.defined()) log_p.add_(gradients.logprobs.unsqueeze(1));
    grad.mul_(log_p);
  } else {
    grad.mul_(gradients.logprobs.unsqueeze(1));
  }
  grad.neg_();
  if (gradients.logprobs.defined()) {
    grad.scatter_add_(1, targets.unsqueeze(1), gradients.logprobs.unsqueeze(1));
  }
  return grad.div_(temperature).to(logits.scalar_type());
}

}  // namespace

RowStatistics RowStatistics::slice(std::int64_t begin, std::int64_t end) const {
  return {part(logprobs, begin, end), part(lse, begin, end), part(entropy, begin, end), part(correct, begin, end)};
}

RowGradients RowGradients::slice(std::int64_t begin, std::int64_t end) const {
  return {part(logprobs, begin, end), part(entropy, begin, end)};
}

RowStatistics make_row_statistics(const at::Tensor& hidden, const LogprobOptions& options) {
  const at::TensorOptions fp32 = hidden.options().dtype(statistics_dtype(hidden.scalar_type())).requires_grad(false);
  const auto column = [&](const at::TensorOptions& type) { return at::empty({hidden.size(0)}, type); };
  return {column(fp32), column(fp32), options.entropy ? column(fp32) : at::Tensor(),
          options.correct ? column(fp32.dtype(at::kBool)) : at::Tensor()};
}

void read_logits(const at::Tensor& z, const at::Tensor& targets, double temperature, const RowStatistics& rows) {
  if (!has_fused(Fused::logprobs, z)) return read_by_operators(z, targets, temperature, rows);
  with_element_type(z, [&]<typename T>(T) {
    kernels().of<T>().logprobs(elements<T>(z), static_cast<float>(1 / temperature), elements<std::int64_t>(targets),
                               mutable_elements<float>(rows.logprobs), mutable_elements<float>(rows.lse),
                               mutable_elements<float>(rows.entropy), mutable_elements<bool>(rows.correct), z.size(0),
                               z.size(1));
  });
}

at::Tensor logits_gradient(at::Tensor z, const at::Tensor& targets, double temperature, const RowStatistics& rows,
                           const RowGradients& gradients) {
  if (!has_fused(Fused::logprobs, z)) return gradient_by_operators(z, targets, temperature, rows, gradients);
  const auto dense = [](const at::Tensor& x) { return x.defined() ? x.contiguous() : x; };
  const at::Tensor by_logprobs = dense(gradients.logprobs), by_entropy = dense(gradients.entropy);
  with_element_type(z, [&]<typename T>(T) {
    kernels().of<T>().logprobs_backward(mutable_elements<T>(z), static_cast<float>(1 / temperature),
                                        elements<std::int64_t>(targets), elements<float>(rows.lse),
                                        elements<float>(rows.entropy), elements<float>(by_logprobs),
                                        elements<float>(by_entropy), z.size(0), z.size(1));
  });
  return z;
}

}  // namespace rlhf
