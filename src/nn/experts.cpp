// Mixtures of experts: which experts a token has, and their sum.
#include "nn/experts.h"

#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include "nn/embedding.h"

namespace rlhf {

Routing route(const at::Tensor& logits, std::int64_t per_token, bool normalized, RouterBalance* balance) {
  const at::ScalarType wide = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor probabilities = at::softmax(logits, -1, wide);
  auto [weights, experts] = at::topk(probabilities, per_token, -1);
  if (balance != nullptr) weights = balance->add(probabilities, experts).gather(-1, experts);
  if (normalized) weights = weights.div(weights.sum(-1, /*keepdim=*/true));
  return {experts, weights};
}

at::Tensor mix_experts(const at::Tensor& x, const Routing& routing, std::int64_t count,
                       const std::function<at::Tensor(std::int64_t, const at::Tensor&)>& expert) {
  if (x.size(0) == 0) return x;
  const at::Tensor chosen = routing.experts.flatten(), order = chosen.argsort(/*stable=*/true);
  // at::bincount would make the host wait for the extremes too.
  const at::Tensor numbers = at::zeros({count}, chosen.options()).scatter_add_(0, chosen, at::ones_like(chosen)).cpu();
  const std::int64_t* const sizes = numbers.const_data_ptr<std::int64_t>();
  // embed() gathers rows and has a fast backward pass.
  const at::Tensor rows = embed(x, order.div(routing.experts.size(1), "floor"));
  const auto inputs = rows.split_with_sizes({sizes, static_cast<std::size_t>(count)});
  std::vector<at::Tensor> outputs;
  for (std::int64_t e = 0; e < count; ++e)
    if (sizes[e] > 0) outputs.push_back(expert(e, inputs[static_cast<std::size_t>(e)]));
  const at::Tensor back = embed(at::cat(outputs), order.argsort()).view({x.size(0), -1, x.size(1)});
  return back.mul(routing.weights.unsqueeze(-1)).sum(1).to(x.scalar_type());
}

}  // namespace rlhf
