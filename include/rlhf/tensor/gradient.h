#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// How the gradients of trained weights are accumulated.
///
/// A trained weight is an autograd leaf whose grad() is defined before the backward pass and may have a wider dtype
/// than the leaf, for example float32 for a bfloat16 weight (created by nn/trained_weights.h). Operators with a large
/// weight gradient add it to grad() with the functions below and return no gradient to autograd. This saves a tensor of
/// the size of the weight and the rounding to the leaf's dtype. Autograd adds all other gradients in place.
///
/// In both cases the leaf is an input of the operator's node, so the post hooks of its gradient accumulator
/// (torch::autograd::impl::grad_accumulator) run once per backward pass, after the last addition to grad().
/// torch::autograd::grad() does not return gradients that were added in place.

/// Whether gradients of `weight` must be added to weight.grad() in place: true for a leaf with a defined grad().
bool adds_in_place(const at::Tensor& weight);

/// sum += gradᵀ · x. Shapes: sum [O,I], grad [N,O], x [N,I]. `sum` may have a wider dtype than the factors.
/// Errors: ShapeError.
void add_product(const at::Tensor& sum, const at::Tensor& grad, const at::Tensor& x);

/// sum[tokens[i]] += grad[i] for every i. Shapes: sum [V,D], tokens [N] int64, grad [N,D].
/// Errors: ShapeError; ArgumentError, on a CPU, for a token outside [0,V).
void add_rows(const at::Tensor& sum, const at::Tensor& tokens, const at::Tensor& grad);

}  // namespace rlhf
