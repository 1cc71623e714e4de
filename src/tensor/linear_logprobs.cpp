#include "rlhf/tensor/linear_logprobs.h"

#include <algorithm>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::ScalarType statistics_dtype(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

/// Half-open ranges of at most `chunk_rows` rows.
template <typename Body>
void for_each_chunk(std::int64_t rows, std::int64_t chunk_rows, const Body& body) {
  for (std::int64_t begin = 0; begin < rows; begin += chunk_rows) body(begin, std::min(begin + chunk_rows, rows));
}

/// z = hidden · headᵀ / temperature of one chunk: [c,V] in fp32 (fp64), a fresh tensor.
at::Tensor chunk_logits(const at::Tensor& hidden, const at::Tensor& head, double temperature) {
  return at::mm(hidden, head.t()).to(statistics_dtype(hidden.scalar_type())).div_(temperature);
}

/// The forward keeps the log-sum-exp and the entropy of each row, [R] each. With p = softmax(z), H the entropy, and g,
/// h the incoming gradients of log-probability and entropy, the backward of a row is
///   ∂/∂z_v = g·(1[v = target] − p_v) − h·p_v·(log p_v + H)
class LinearLogprobs : public torch::autograd::Function<LinearLogprobs> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& head,
                               const at::Tensor& targets, double temperature, std::int64_t chunk_rows,
                               bool with_entropy, bool with_correct);
  static variable_list backward(AutogradContext* ctx, const variable_list& grads);
};

variable_list LinearLogprobs::forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& head,
                                      const at::Tensor& targets, double temperature, std::int64_t chunk_rows,
                                      bool with_entropy, bool with_correct) {
  const std::int64_t rows = hidden.size(0);
  const at::TensorOptions options = hidden.options().dtype(statistics_dtype(hidden.scalar_type())).requires_grad(false);
  at::Tensor logprobs = at::empty({rows}, options);
  at::Tensor lse = at::empty({rows}, options);
  at::Tensor entropy = with_entropy ? at::empty({rows}, options) : at::Tensor();
  at::Tensor correct = with_correct ? at::empty({rows}, options.dtype(at::kBool)) : at::Tensor();
  for_each_chunk(rows, chunk_rows, [&](std::int64_t begin, std::int64_t end) {
    at::Tensor z = chunk_logits(hidden.slice(0, begin, end), head, temperature);
    const at::Tensor chunk_lse = at::logsumexp(z, 1);
    const at::Tensor target_z = z.gather(1, targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
    lse.slice(0, begin, end).copy_(chunk_lse);
    logprobs.slice(0, begin, end).copy_(target_z.sub(chunk_lse));
    if (with_correct) correct.slice(0, begin, end).copy_(z.argmax(1).eq(targets.slice(0, begin, end)));
    if (!with_entropy) return;
    const at::Tensor log_p = z.sub_(chunk_lse.unsqueeze(1));
    entropy.slice(0, begin, end).copy_(log_p.exp().mul_(log_p).sum(1).neg_());
  });
  ctx->set_materialize_grads(false);  // an output that nobody derives costs nothing in the backward
  ctx->saved_data["temperature"] = temperature;
  ctx->saved_data["chunk_rows"] = chunk_rows;
  variable_list saved{hidden, head, targets, lse};
  variable_list outputs{logprobs};
  if (with_entropy) {
    saved.push_back(entropy);
    outputs.push_back(entropy);
  }
  if (with_correct) {
    ctx->mark_non_differentiable({correct});
    outputs.push_back(correct);
  }
  ctx->save_for_backward(std::move(saved));
  return outputs;
}

/// Gradient of one chunk's logits before the temperature, [c,V] in fp32. `log_p` is used up.
at::Tensor chunk_gradient(at::Tensor log_p, const at::Tensor& targets, const at::Tensor& logprob_grad,
                          const at::Tensor& entropy_grad, const at::Tensor& entropy, double temperature) {
  at::Tensor grad = log_p.exp();
  if (entropy_grad.defined()) {
    log_p.add_(entropy.unsqueeze(1)).mul_(entropy_grad.unsqueeze(1));
    if (logprob_grad.defined()) log_p.add_(logprob_grad.unsqueeze(1));
    grad.mul_(log_p);
  } else {
    grad.mul_(logprob_grad.unsqueeze(1));
  }
  grad.neg_();
  if (logprob_grad.defined()) grad.scatter_add_(1, targets.unsqueeze(1), logprob_grad.unsqueeze(1));
  return grad.div_(temperature);
}

variable_list LinearLogprobs::backward(AutogradContext* ctx, const variable_list& grads) {
  const variable_list saved = ctx->get_saved_variables();
  const at::Tensor& hidden = saved[0];
  const at::Tensor& head = saved[1];
  const at::Tensor& targets = saved[2];
  const at::Tensor& lse = saved[3];
  const double temperature = ctx->saved_data["temperature"].toDouble();
  const bool with_entropy = saved.size() > 4 && grads[1].defined();  // else grads[1] is that of `correct`, if anything
  const auto part = [](const at::Tensor& rows, std::int64_t begin, std::int64_t end) {
    return rows.defined() ? rows.slice(0, begin, end) : rows;
  };

  at::Tensor hidden_grad = ctx->needs_input_grad(0) ? at::empty_like(hidden) : at::Tensor();
  // Stays in fp32 to the end; autograd casts it to what the parameter's gradient is kept in.
  at::Tensor head_grad =
      ctx->needs_input_grad(1) ? at::zeros(head.sizes(), head.options().dtype(lse.scalar_type())) : at::Tensor();
  for_each_chunk(hidden.size(0), ctx->saved_data["chunk_rows"].toInt(), [&](std::int64_t begin, std::int64_t end) {
    const at::Tensor rows = hidden.slice(0, begin, end);
    at::Tensor log_p = chunk_logits(rows, head, temperature).sub_(lse.slice(0, begin, end).unsqueeze(1));
    const at::Tensor grad = chunk_gradient(std::move(log_p), targets.slice(0, begin, end), part(grads[0], begin, end),
                                           with_entropy ? part(grads[1], begin, end) : at::Tensor(),
                                           with_entropy ? part(saved[4], begin, end) : at::Tensor(), temperature)
                                .to(hidden.scalar_type());
    if (hidden_grad.defined()) hidden_grad.slice(0, begin, end).copy_(at::mm(grad, head));
    if (head_grad.defined()) head_grad.add_(at::mm(grad.t(), rows));
  });
  return {hidden_grad, head_grad, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
}

}  // namespace

Logprobs linear_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                         const LogprobOptions& options) {
  check_shape(hidden, "hidden", {-1, -1});
  check_shape(head, "head", {-1, hidden.size(1)});
  check_shape(targets, "targets", {hidden.size(0)});
  if (head.scalar_type() != hidden.scalar_type()) {
    throw ShapeError("head: expected the dtype of hidden, " + std::string(c10::toString(hidden.scalar_type())) +
                     ", found " + c10::toString(head.scalar_type()));
  }
  RLHF_CHECK(options.temperature > 0, options.temperature);
  const std::int64_t chunk_rows =
      std::max<std::int64_t>(1, options.chunk_elements / std::max<std::int64_t>(1, head.size(0)));
  const variable_list results =
      LinearLogprobs::apply(hidden, head, targets, options.temperature, chunk_rows, options.entropy, options.correct);
  return {results[0], options.entropy ? results[1] : at::Tensor(), options.correct ? results.back() : at::Tensor()};
}

}  // namespace rlhf
