// Matrix products by the fastest available operator.
#include "tensor/product.h"

#include <optional>
#include <string>

#include <ATen/Version.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/gradient.h"

namespace rlhf {
namespace {

/// Number of rows up to which the kernel is faster than LibTorch's blocked product. Without wide vectors that holds
/// only while memory bandwidth is the limit.
std::int64_t few_rows_limit() {
  static const std::int64_t limit = kernels().name == "plain" ? 2 : 64;
  return limit;
}

constexpr std::size_t kOnednnArguments = 6;

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

at::Tensor product_of_few_rows(const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor rows = x.contiguous();
  const at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  with_element_type(x, [&]<typename T>(T) {
    kernels().of<T>().few_rows_linear(elements<T>(rows), elements<T>(weight), mutable_elements<T>(y), x.size(0),
                                      x.size(1), weight.size(0));
  });
  return y;
}

}  // namespace

at::Tensor product(const at::Tensor& x, const at::Tensor& weight) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat && onednn_linear() && x.numel() > 0) {
    torch::jit::Stack stack{
        x, weight, c10::IValue(), std::string("none"), c10::List<std::optional<at::Scalar>>(), std::string()};
    onednn_linear()->callBoxed(stack);
    return stack.front().toTensor();
  }
  return at::mm(x, weight.t());
}

at::Tensor inference_product(const at::Tensor& x, const at::Tensor& weight) {
  const bool few = has_fused(Fused::few_rows_linear, x) && weight.is_contiguous() && x.size(0) <= few_rows_limit();
  return few ? product_of_few_rows(x, weight) : product(x, weight);
}

at::Tensor weight_gradient(const at::Tensor& weight, const at::Tensor& grad, const at::Tensor& x) {
  if (!adds_in_place(weight)) return at::mm(grad.t(), x);
  add_product(weight.grad(), grad, x);
  return {};
}

}  // namespace rlhf
