// Leaves in one piece of memory.
#include "nn/shard_layout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace rlhf {

at::Tensor lay_out_leaves(std::span<at::Tensor> leaves, std::span<const std::int64_t> places, std::int64_t elements) {
  const at::NoGradGuard no_grad;
  const at::Tensor all = at::empty({elements}, leaves.front().options().requires_grad(false));
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const at::Tensor view = all.narrow(0, places[i], leaves[i].numel()).view(leaves[i].sizes());
    view.copy_(leaves[i]);
    leaves[i].set_data(view);
  }
  return all;
}

}  // namespace rlhf
