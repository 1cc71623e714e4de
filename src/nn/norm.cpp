// Norms.
#include "nn/norm.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rms_norm.h>

namespace rlhf {
namespace {

at::Tensor wide(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat); }

at::Tensor norm_by_operators(const at::Tensor& x, const Norm& norm) {
  if (norm.kind == NormKind::layer) return at::layer_norm(x, norm.weight.sizes(), norm.weight, norm.bias, norm.eps);
  return at::rms_norm(wide(x), norm.weight.sizes(), wide(norm.weight).add(1), norm.eps).to(x.scalar_type());
}

}  // namespace

SumAndNorm add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& norm) {
  if (norm.kind == NormKind::rms && norm.weight.defined()) return add_rms_norm(x, delta, norm.weight, norm.eps);
  const at::Tensor sum = delta.defined() ? x.add(delta) : x;
  return {sum, norm.weight.defined() ? norm_by_operators(sum, norm) : sum};
}

at::Tensor apply_norm(const at::Tensor& x, const Norm& norm) {
  if (!norm.weight.defined()) return x;
  return add_norm(x.reshape({-1, x.size(-1)}), /*delta=*/{}, norm).norm.view(x.sizes());
}

}  // namespace rlhf
