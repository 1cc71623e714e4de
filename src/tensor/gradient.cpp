// In-place sums of weight gradients.
#include "rlhf/tensor/gradient.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>

#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/fused.h"

namespace rlhf {

bool adds_in_place(const at::Tensor& weight) { return weight.defined() && weight.is_leaf() && weight.grad().defined(); }

void add_product(const at::Tensor& sum, const at::Tensor& grad, const at::Tensor& x) {
  check_shape(grad, "grad", {-1, -1});
  check_shape(x, "x", {grad.size(0), -1});
  check_shape(sum, "sum", {grad.size(1), x.size(1)});
  check_dtype(grad, "grad", x.scalar_type());
  check_floating(sum, "sum");
  check_device(x, "x", sum.device());
  check_device(grad, "grad", sum.device());
  const at::NoGradGuard no_grad;
  if (sum.scalar_type() == x.scalar_type()) {
    sum.addmm_(grad.t(), x);
    return;
  }
  const at::Tensor product = at::mm(grad.t(), x);  // [O,I] in the factors' dtype
  if (!has_fused(Fused::add_to, product) || !sum.is_contiguous()) {
    sum.add_(product);
    return;
  }
  // LibTorch would first convert the product to a temporary of the size of the sum.
  with_element_type(product, [&]<typename T>(T) {
    kernels().of<T>().add_to(mutable_elements<float>(sum), elements<T>(product), product.numel());
  });
}

void add_rows(const at::Tensor& sum, const at::Tensor& tokens, const at::Tensor& grad) {
  check_shape(sum, "sum", {-1, -1});
  check_shape(grad, "grad", {-1, sum.size(1)});
  check_floating(sum, "sum");
  check_device(grad, "grad", sum.device());
  check_indices(tokens, "tokens", grad.size(0), sum.size(0), sum.device());
  const at::NoGradGuard no_grad;
  sum.index_add_(0, tokens, grad.to(sum.scalar_type()));
}

}  // namespace rlhf
