// Log-probabilities in chunks, as an autograd function and together with the backward pass.
#include "rlhf/tensor/linear_logprobs.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/gradient.h"
#include "rlhf/tensor/linear.h"

#include "tensor/chunk_logprobs.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Splits the rows into the smallest number of ranges of at most `most` rows, of equal size: every chunk reads the
/// whole head, so few chunks are best.
template <typename Body>
void for_each_chunk(std::int64_t rows, std::int64_t most, const Body& body) {
  const std::int64_t chunks = (rows + most - 1) / most;
  for (std::int64_t i = 0; i < chunks; ++i) body(rows * i / chunks, rows * (i + 1) / chunks);
}

/// The same with whole groups, as many as have at most `most` rows together, but at least one.
template <typename Body>
void for_each_chunk_of_groups(std::span<const std::int64_t> ends, std::int64_t most, const Body& body) {
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const bool next_fits = i + 1 < ends.size() && ends[i + 1] - begin <= most;
    if (next_fits || ends[i] == begin) continue;
    body(begin, ends[i]);
    begin = ends[i];
  }
}

std::int64_t rows_per_chunk(const LogprobOptions& options, std::int64_t vocab) {
  return std::max<std::int64_t>(1, options.chunk_elements / std::max<std::int64_t>(1, vocab));
}

/// The capped logits of one chunk: [c,D] -> [c,V].
at::Tensor chunk_logits(const at::Tensor& hidden, const at::Tensor& head, double cap) {
  const at::NoGradGuard no_grad;
  return soft_cap(apply_linear(hidden, head), cap);
}

/// logits_gradient(), continued through the cap, whose derivative is 1 − (capped / cap)².
at::Tensor uncapped_gradient(at::Tensor z, double cap, const at::Tensor& targets, double temperature,
                             const RowStatistics& rows, const RowGradients& gradients) {
  if (cap == 0) return logits_gradient(std::move(z), targets, temperature, rows, gradients);
  const at::Tensor slope = z.div(cap).square_().neg_().add_(1);
  return logits_gradient(std::move(z), targets, temperature, rows, gradients).mul_(slope);
}

/// Accumulates the gradient of the head over chunks: in place in head.grad() if possible, otherwise in `wide`.
class HeadGradient {
 public:
  HeadGradient(const at::Tensor& head, bool needed, at::ScalarType wide) : in_place_(needed && adds_in_place(head)) {
    if (needed)
      sum_ = in_place_ ? head.grad() : at::zeros(head.sizes(), head.options().dtype(wide).requires_grad(false));
  }
  void add(const at::Tensor& grad, const at::Tensor& rows) {
    if (sum_.defined()) add_product(sum_, grad, rows);
  }
  /// The gradient of the head that the backward pass returns to autograd.
  at::Tensor for_autograd() const { return in_place_ ? at::Tensor() : sum_; }

 private:
  bool in_place_;
  at::Tensor sum_;
};

/// The forward pass saves the log-sum-exp and the entropy of each row, [R] each; the backward pass recomputes the
/// logits.
class LinearLogprobs : public torch::autograd::Function<LinearLogprobs> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& head,
                               const at::Tensor& targets, const LogprobOptions& options);
  static variable_list backward(AutogradContext* ctx, const variable_list& grads);
};

variable_list LinearLogprobs::forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& head,
                                      const at::Tensor& targets, const LogprobOptions& options) {
  const std::int64_t chunk_rows = rows_per_chunk(options, head.size(0));
  const RowStatistics rows = make_row_statistics(hidden, options);
  for_each_chunk(hidden.size(0), chunk_rows, [&](std::int64_t begin, std::int64_t end) {
    const at::Tensor z = chunk_logits(hidden.slice(0, begin, end), head, options.logit_cap);
    read_logits(z, targets.slice(0, begin, end), options.temperature, rows.slice(begin, end));
  });
  ctx->set_materialize_grads(false);  // an output without a gradient then costs nothing in the backward pass
  ctx->saved_data["temperature"] = options.temperature;
  ctx->saved_data["logit_cap"] = options.logit_cap;
  ctx->saved_data["chunk_rows"] = chunk_rows;
  variable_list saved{hidden, head, targets, rows.lse};
  variable_list outputs{rows.logprobs};
  if (rows.entropy.defined()) {
    saved.push_back(rows.entropy);
    outputs.push_back(rows.entropy);
  }
  if (rows.correct.defined()) {
    ctx->mark_non_differentiable({rows.correct});
    outputs.push_back(rows.correct);
  }
  ctx->save_for_backward(std::move(saved));
  return outputs;
}

variable_list LinearLogprobs::backward(AutogradContext* ctx, const variable_list& grads) {
  const variable_list saved = ctx->get_saved_variables();
  const at::Tensor &hidden = saved[0], &head = saved[1], &targets = saved[2];
  const double temperature = ctx->saved_data["temperature"].toDouble(), cap = ctx->saved_data["logit_cap"].toDouble();
  const bool with_entropy = saved.size() > 4 && grads[1].defined();  // else grads[1] is that of `correct`, if anything
  const RowStatistics rows{.lse = saved[3], .entropy = with_entropy ? saved[4] : at::Tensor()};
  const RowGradients row_grads{grads[0], with_entropy ? grads[1] : at::Tensor()};

  at::Tensor hidden_grad = ctx->needs_input_grad(0) ? at::empty_like(hidden) : at::Tensor();
  HeadGradient head_grad(head, ctx->needs_input_grad(1), saved[3].scalar_type());
  for_each_chunk(hidden.size(0), ctx->saved_data["chunk_rows"].toInt(), [&](std::int64_t begin, std::int64_t end) {
    const at::Tensor part = hidden.slice(0, begin, end);
    const at::Tensor grad = uncapped_gradient(chunk_logits(part, head, cap), cap, targets.slice(0, begin, end),
                                              temperature, rows.slice(begin, end), row_grads.slice(begin, end));
    if (hidden_grad.defined()) hidden_grad.slice(0, begin, end).copy_(linear_input_gradient(grad, head));
    head_grad.add(grad, part);
  });
  return {hidden_grad, head_grad.for_autograd(), at::Tensor(), at::Tensor()};
}

void check_inputs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                  const LogprobOptions& options) {
  check_shape(hidden, "hidden", {-1, -1});
  check_shape(head, "head", {-1, hidden.size(1)});
  check_floating(hidden, "hidden");
  check_dtype(head, "head", hidden.scalar_type());
  check_device(head, "head", hidden.device());
  check_argument(options.temperature > 0, "temperature", "above 0", options.temperature);
  check_argument(options.logit_cap >= 0, "logit_cap", "at least 0", options.logit_cap);
  check_argument(options.chunk_elements > 0, "chunk_elements", "at least 1", options.chunk_elements);
  check_indices(targets, "targets", hidden.size(0), head.size(0), hidden.device());
}

/// The gradient of the loss of a chunk by its log-probabilities.
at::Tensor gradient_of(const RowLoss& loss, const at::Tensor& logprobs, std::int64_t begin, std::int64_t end) {
  const at::AutoGradMode gradient(true);
  const at::Tensor leaf = logprobs.detach().set_requires_grad(true);
  const at::Tensor value = loss(leaf, begin, end);
  if (!value.defined() || value.numel() != 1) throw ShapeError("loss: expected a scalar, found another tensor or none");
  check_argument(value.requires_grad(), "loss", "a function of the log-probabilities that it is given",
                 "another value");
  value.backward();
  if (!leaf.grad().defined()) throw ArgumentError("loss: expected a function of the log-probabilities, found another");
  return leaf.grad();
}

/// Passes gradients that are already computed to autograd, so that everything `hidden` and `head` were computed from
/// gets them like in any backward pass, including hooks.
class KnownGradients : public torch::autograd::Function<KnownGradients> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& /*head*/,
                            const std::optional<at::Tensor>& hidden_grad, const std::optional<at::Tensor>& head_grad) {
    ctx->saved_data["hidden"] = hidden_grad;
    ctx->saved_data["head"] = head_grad;
    return at::zeros({}, hidden.options());
  }
  static variable_list backward(AutogradContext* ctx, const variable_list&) {
    const auto known = [ctx](const char* name) {
      return ctx->saved_data[name].toOptional<at::Tensor>().value_or(at::Tensor());
    };
    return {known("hidden"), known("head"), at::Tensor(), at::Tensor()};
  }
};

std::optional<at::Tensor> if_defined(const at::Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; }

}  // namespace

at::Tensor soft_cap(const at::Tensor& x, double cap) {
  check_argument(cap >= 0, "logit_cap", "at least 0", cap);
  return cap > 0 ? x.div(cap).tanh().mul(cap) : x;
}

Logprobs linear_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                         const LogprobOptions& options) {
  check_inputs(hidden, head, targets, options);
  const variable_list results = LinearLogprobs::apply(hidden, head, targets.contiguous(), options);
  return {results[0], options.entropy ? results[1] : at::Tensor(), options.correct ? results.back() : at::Tensor(),
          hidden.size(0)};
}

Logprobs backward_through_logprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   const LogprobOptions& options, const RowLoss& loss, double entropy_weight,
                                   std::span<const std::int64_t> group_ends) {
  check_inputs(hidden, head, targets, options);
  check_argument(group_ends.empty() || (std::ranges::is_sorted(group_ends) && group_ends.front() >= 0 &&
                                        group_ends.back() == hidden.size(0)),
                 "group_ends", "ascending rows up to " + std::to_string(hidden.size(0)), "others");
  check_given(loss, "loss", "a function");
  check_argument(entropy_weight == 0 || options.entropy, "entropy_weight", "0 without options.entropy", entropy_weight);
  const RowStatistics rows = make_row_statistics(hidden, options);
  const at::Tensor entropy_grad = entropy_weight == 0 ? at::Tensor() : at::full_like(rows.entropy, entropy_weight);
  const at::Tensor hidden_grad = hidden.requires_grad() ? at::empty_like(hidden) : at::Tensor();
  HeadGradient head_grad(head, head.requires_grad(), rows.lse.scalar_type());
  const auto add_chunk = [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard no_grad;
    const at::Tensor part = hidden.slice(0, begin, end), chunk_targets = targets.slice(0, begin, end).contiguous();
    const RowStatistics chunk = rows.slice(begin, end);
    at::Tensor z = chunk_logits(part, head, options.logit_cap);
    read_logits(z, chunk_targets, options.temperature, chunk);
    const RowGradients gradients{gradient_of(loss, chunk.logprobs, begin, end),
                                 entropy_grad.defined() ? entropy_grad.slice(0, begin, end) : entropy_grad};
    const at::Tensor grad =
        uncapped_gradient(std::move(z), options.logit_cap, chunk_targets, options.temperature, chunk, gradients);
    if (hidden_grad.defined()) hidden_grad.slice(0, begin, end).copy_(linear_input_gradient(grad, head));
    head_grad.add(grad, part);
  };
  const std::int64_t most = rows_per_chunk(options, head.size(0));
  group_ends.empty() ? for_each_chunk(hidden.size(0), most, add_chunk)
                     : for_each_chunk_of_groups(group_ends, most, add_chunk);
  const at::AutoGradMode with_gradient(true);
  const at::Tensor done =
      KnownGradients::apply(hidden, head, if_defined(hidden_grad), if_defined(head_grad.for_autograd()));
  if (done.requires_grad()) done.backward();
  return {rows.logprobs, rows.entropy, rows.correct, hidden.size(0)};
}

}  // namespace rlhf
