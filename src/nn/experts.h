#pragma once

#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

#include "nn/router_balance.h"

namespace rlhf {

/// The experts of each token and their weights: [N,k] int64 and [N,k] fp32.
struct Routing {
  at::Tensor experts, weights;
};
/// The `per_token` largest of softmax(logits), computed in fp32; if `normalized`, divided by their sum. logits [N,E].
/// `balance` counts them, if it is given.
Routing route(const at::Tensor& logits, std::int64_t per_token, bool normalized, RouterBalance* balance = nullptr);

/// Σ_j weights[n,j] · expert(experts[n,j], x_n): [N,D] -> [N,D], summed in fp32. `expert(e, rows)` gets all rows of
/// expert e at once, [R,D] -> [R,D], and is called in the order of the experts that have any. The host waits once, for
/// the number of rows of each. Differentiable. Source: arXiv:2401.04088.
at::Tensor mix_experts(const at::Tensor& x, const Routing& routing, std::int64_t count,
                       const std::function<at::Tensor(std::int64_t, const at::Tensor&)>& expert);

}  // namespace rlhf
