#include "rlhf/tensor/linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include "rlhf/tensor/cpu_kernels.h"

namespace rlhf {
namespace {

constexpr std::int64_t kFewRows = 64;  // beyond these LibTorch's blocked product is as fast

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight) {
  const bool differentiable = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  if (differentiable || !has_kernels(x) || x.size(0) > kFewRows) return at::linear(x, weight);
  const at::Tensor rows = x.contiguous();
  const at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  with_element_type(x, [&]<typename T>(T) {
    kernels().of<T>().few_rows_linear(elements<T>(rows), elements<T>(weight), mutable_elements<T>(y), x.size(0),
                                      x.size(1), weight.size(0));
  });
  return y;
}

}  // namespace rlhf
