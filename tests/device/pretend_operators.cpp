// The operators of the pretend device: each computes on the CPU, on the device's own memory.
#include <set>

#include <ATen/EmptyTensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include "host_views.h"
#include "pretend_attention.h"
#include "pretend_device.h"
#include "pretend_memory.h"

namespace rlhf::testing::pretend {
namespace {

using torch::jit::Stack;

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::PrivateUse1);
constexpr c10::DispatchKeySet kCpu(c10::DispatchKey::CPU);

/// Whether the host must know the result's size or value, so that the operator waits for the device on CUDA.
bool waits(const std::string& name, const std::vector<c10::IValue>& arguments) {
  static const std::set<std::string> kNames = {"aten::nonzero",  "aten::masked_select", "aten::equal",
                                               "aten::_unique2", "aten::unique_dim",    "aten::unique_consecutive",
                                               "aten::bincount"};
  if (name == "aten::repeat_interleave") return arguments.back().isNone();  // the size of the output
  return kNames.contains(name);
}

/// The device of the first tensor on the device.
c10::Device device_of(c10::ArrayRef<c10::IValue> arguments) {
  const auto on_device = [](const at::Tensor& tensor) {
    return tensor.defined() && tensor.device().type() == c10::kPrivateUse1;
  };
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor() && on_device(argument.toTensor())) return argument.toTensor().device();
    if (argument.isTensorList())
      for (const at::Tensor& tensor : argument.toTensorVector())
        if (on_device(tensor)) return tensor.device();
    if (argument.isOptionalTensorList())
      for (const auto& tensor : argument.toOptionalTensorVector())
        if (tensor && on_device(*tensor)) return tensor->device();
    if (argument.isDevice() && argument.toDevice().type() == c10::kPrivateUse1) return argument.toDevice();
  }
  TORCH_CHECK(false, "pretend device: an operator without a tensor on the device");
}

/// Any operator without a function of its own below.
void compute_on_host(const c10::OperatorHandle& op, Stack* stack) {
  const std::string& name = op.schema().name();
  const std::size_t count = op.schema().arguments().size();
  const auto given = c10::ArrayRef<c10::IValue>(*stack).slice(stack->size() - count, count).vec();
  const c10::Device device = device_of(given);
  const c10::DeviceGuard guard(device);
  if (waits(name, given)) count_stop(name);
  HostViews views(device);
  Stack host;
  for (const c10::IValue& argument : given) host.push_back(views.of(argument));
  op.redispatchBoxed(kCpu, &host);
  views.take_over_resized();
  torch::jit::drop(*stack, count);
  for (const c10::IValue& result : host) stack->push_back(views.on_device(result));
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::DeviceGuard guard(device.value_or(c10::Device(c10::kPrivateUse1)));
  return at::detail::empty_generic(sizes, &PretendMemory::instance(), kKeys, dtype.value_or(at::kFloat), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device> device, std::optional<bool>) {
  const c10::DeviceGuard guard(device.value_or(c10::Device(c10::kPrivateUse1)));
  return at::detail::empty_strided_generic(sizes, strides, &PretendMemory::instance(), kKeys,
                                           dtype.value_or(at::kFloat));
}

/// Every copy between host and device, and between tensors of the device of different dtypes or strides. As on CUDA, a
/// blocking copy to the device waits for all that came before it.
at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  if (from.is_cpu()) count_upload();
  if (from.is_cpu() && !non_blocking) count_stop("blocking copy to the device");
  if (to.is_cpu()) count_stop("copy to the host");
  const auto view = [](const at::Tensor& tensor, HostViews& views) {
    return tensor.is_cpu() ? tensor : views.of(tensor);
  };
  HostViews of_source(from.device()), of_target(to.device());
  view(to, of_target).copy_(view(from, of_source));
  return to;
}

at::Scalar local_scalar(const at::Tensor& tensor) {
  count_stop("item");
  HostViews views(tensor.device());
  return views.of(tensor).item();
}

template <void (*kFunction)(const c10::OperatorHandle&, Stack*)>
torch::CppFunction boxed() {
  return torch::CppFunction::makeFromBoxedFunction<kFunction>();
}

}  // namespace

void install_operators() {
  static torch::Library all(torch::Library::IMPL, "_", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__);
  all.fallback(boxed<compute_on_host>());
  static torch::Library some(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__);
  some.impl("empty.memory_format", empty);
  some.impl("empty_strided", empty_strided);
  some.impl("as_strided", at::native::as_strided_tensorimpl);
  some.impl("view", at::native::view);
  some.impl("_reshape_alias", at::native::_reshape_alias);
  some.impl("unfold", at::native::unfold);
  some.impl("_copy_from", copy_from);
  some.impl("_local_scalar_dense", local_scalar);
  some.impl("_flash_attention_forward", boxed<varlen_attention>());
  some.impl("_flash_attention_backward", boxed<varlen_attention_backward>());
}

}  // namespace rlhf::testing::pretend
