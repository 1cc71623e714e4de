// Which operations have a fused kernel, by device and dtype.
#include "rlhf/tensor/fused.h"

#include "tensor/accelerator.h"

namespace rlhf {

bool has_fused(Fused /*operation*/, const at::Tensor& x) {
  return x.defined() && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

bool has_varlen_attention(const at::Tensor& q) {
  return q.device().type() == accelerator().type() && accelerator().has_varlen_attention(q);
}

bool attends_to_prefixes(at::Device device) { return device.is_cpu(); }

}  // namespace rlhf
