// Linear layers whose weight gradients are added in place.
#include "rlhf/tensor/linear.h"

#include <optional>
#include <string>

#include <ATen/Version.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/gradient.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Number of rows up to which the kernel is faster than LibTorch's blocked product. Without wide vectors that holds
/// only while memory bandwidth is the limit.
std::int64_t few_rows_limit() {
  static const std::int64_t limit = kernels().name == "plain" ? 2 : 64;
  return limit;
}

constexpr std::size_t kOnednnArguments = 6;

at::Tensor few_rows(const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor rows = x.contiguous();
  const at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  with_element_type(x, [&]<typename T>(T) {
    kernels().of<T>().few_rows_linear(elements<T>(rows), elements<T>(weight), mutable_elements<T>(y), x.size(0),
                                      x.size(1), weight.size(0));
  });
  return y;
}

/// LibTorch computes float32 products with MKL, which does not use AVX-512 on processors that are not Intel's. The
/// operator of oneDNN, which is also part of LibTorch, does, and is 1.1 to 2.2 times as fast there.
const std::optional<c10::OperatorHandle>& onednn_linear() {
  static const std::optional<c10::OperatorHandle> found = []() -> std::optional<c10::OperatorHandle> {
#if defined(__x86_64__)
    if (!__builtin_cpu_is("intel") && at::get_cpu_capability() == "AVX512") {
      const auto handle = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
      if (handle && handle->schema().arguments().size() == kOnednnArguments) return handle;
    }
#endif
    return std::nullopt;
  }();
  return found;
}

/// x · weightᵀ without recording a gradient. The weight may be a transposed view.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat && onednn_linear() && x.numel() > 0) {
    torch::jit::Stack stack{
        x, weight, c10::IValue(), std::string("none"), c10::List<std::optional<at::Scalar>>(), std::string()};
    onednn_linear()->callBoxed(stack);
    return stack.front().toTensor();
  }
  return at::mm(x, weight.t());
}

class Linear : public torch::autograd::Function<Linear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return product(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &grad = gradients[0];
    at::Tensor grad_x, grad_weight;
    if (context->needs_input_grad(0)) grad_x = linear_input_gradient(grad, weight);
    if (context->needs_input_grad(1)) {
      if (adds_in_place(weight)) {
        add_product(weight.grad(), grad, x);
      } else {
        grad_weight = at::mm(grad.t(), x);
      }
    }
    return {grad_x, grad_weight};
  }
};

/// Throws ShapeError unless the rows of `x` fit axis `axis` of the weight, in the same dtype and on the same device.
void check_factors(const at::Tensor& x, const char* name, const at::Tensor& weight, std::int64_t axis) {
  check_shape(weight, "weight", {-1, -1});
  check_shape(x, name, {-1, weight.size(axis)});
  check_floating(weight, "weight");
  check_dtype(x, name, weight.scalar_type());
  check_device(x, name, weight.device());
}

}  // namespace

at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  check_factors(x, "x", weight, 1);
  if (bias.defined()) check_shape(bias, "bias", {weight.size(0)});
  const bool differentiable = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const bool few = has_fused(Fused::few_rows_linear, x) && weight.is_contiguous() && x.size(0) <= few_rows_limit();
  const at::Tensor y = differentiable ? Linear::apply(x, weight) : few ? few_rows(x, weight) : product(x, weight);
  return bias.defined() ? y.add(bias) : y;
}

at::Tensor linear_input_gradient(const at::Tensor& grad, const at::Tensor& weight) {
  check_factors(grad, "grad", weight, 0);
  return product(grad, weight.t());
}

}  // namespace rlhf
