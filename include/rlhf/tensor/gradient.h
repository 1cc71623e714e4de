#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// How the gradients of trained weights add up.
///
/// A trained weight is an autograd leaf whose grad() exists before the backward and keeps its dtype, which may be wider
/// than the leaf's: float32 sums of a bfloat16 weight (nn/trained_weights.h makes them). An operator whose weight
/// gradient is large adds it in place with the functions below and returns no gradient to autograd, which saves a
/// tensor of the weight's size and its rounding to the leaf's dtype. Autograd adds all other gradients in place.
///
/// Either way the leaf is an input of the operator's node, so the post hooks of its gradient accumulator
/// (torch::autograd::impl::grad_accumulator) run once in a backward, after the last addition to grad().
/// torch::autograd::grad() does not see gradients that were added in place.

/// True if gradients of `weight` are to be added to weight.grad() in place: a leaf that has one.
bool adds_in_place(const at::Tensor& weight);

/// sum [O,I] += gradᵀ · x for grad [N,O], x [N,I]; `sum` may be wider than the factors.
void add_product(const at::Tensor& sum, const at::Tensor& grad, const at::Tensor& x);

/// sum [V,D] row tokens[i] += grad row i, for grad [N,D], tokens [N] int64.
void add_rows(const at::Tensor& sum, const at::Tensor& tokens, const at::Tensor& grad);

}  // namespace rlhf
