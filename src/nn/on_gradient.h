#pragma once

#include <functional>

#include "nn/recompute.h"

namespace rlhf {

/// `x`, whose backward pass calls `then` when the gradients of both tensors are there. `x` if it needs no gradient.
Residual on_gradient(const Residual& x, const std::function<void()>& then);

}  // namespace rlhf
