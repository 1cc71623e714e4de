#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Two tensors of the residual stream between layers: its sum so far and what is still to be added; `delta` may be
/// undefined.
struct Residual {
  at::Tensor sum, delta;
};
using LayerBody = std::function<Residual(const Residual&)>;

/// body(input), of which only `input` is kept for the backward pass; there `body` runs again, with the same random
/// numbers of LibTorch's default generator if `draws`. `input.sum` must require a gradient. Source: arXiv:1604.06174.
Residual recompute_in_backward(const LayerBody& body, const Residual& input, bool draws);

}  // namespace rlhf
