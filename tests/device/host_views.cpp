#include "host_views.h"

#include <ATen/ops/empty_strided.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/TensorImpl.h>

#include "pretend_memory.h"

namespace rlhf::testing::pretend {
namespace {

bool is_on_device(const at::Tensor& tensor) { return tensor.defined() && tensor.device().type() == c10::kPrivateUse1; }

/// Allocates what a kernel needs beyond the memory of its arguments, when it resizes one of them.
class KernelAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    c10::DataPtr memory = PretendMemory::instance().allocate(bytes);
    PretendMemory::instance().open(memory.get());
    return with_device(std::move(memory), c10::kCPU);
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return PretendMemory::instance().raw_deleter(); }

  static c10::DataPtr with_device(c10::DataPtr memory, c10::Device device) {
    void* const address = memory.get();
    const auto deleter = memory.get_deleter();
    return {address, memory.release_context(), deleter, device};
  }
};
KernelAllocator kernel_allocator;

bool same_place(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.strides() == b.strides() && a.storage_offset() == b.storage_offset();
}

void check_devices(const at::Tensor& tensor, c10::Device device) {
  const bool number = tensor.is_cpu() && tensor.dim() == 0;
  TORCH_CHECK(number || tensor.device() == device,
              "Expected all tensors to be on the same device, but found at least two devices, ", device, " and ",
              tensor.device());
}

}  // namespace

HostViews::HostViews(c10::Device device) : device_(device) {}

HostViews::~HostViews() {
  for (const c10::Storage& storage : opened_) PretendMemory::instance().close(storage.data());
}

c10::Storage HostViews::storage_of(const at::Tensor& tensor) {
  const c10::Storage& storage = tensor.storage();
  const auto [found, is_new] = storages_.try_emplace(storage.unsafeGetStorageImpl());
  if (is_new) {
    PretendMemory::instance().open(storage.data());
    opened_.push_back(storage);
    found->second =
        c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(), c10::DataPtr(storage.mutable_data(), c10::kCPU),
                     &kernel_allocator, /*resizable=*/true);
  }
  return found->second;
}

at::Tensor HostViews::of(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  check_devices(tensor, device_);
  if (tensor.is_cpu()) return tensor;
  for (const View& view : views_)
    if (view.device.is_same(tensor)) return view.host;
  at::Tensor host = at::detail::make_tensor<c10::TensorImpl>(
      storage_of(tensor), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
  auto* const impl = host.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  views_.push_back({tensor, host});
  return host;
}

c10::IValue HostViews::of(const c10::IValue& argument) {
  if (argument.isTensor()) return of(argument.toTensor());
  if (argument.isTensorList()) {
    std::vector<at::Tensor> all = argument.toTensorVector();
    for (at::Tensor& tensor : all) tensor = of(tensor);
    return all;
  }
  if (argument.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> all;
    for (const std::optional<at::Tensor>& tensor : argument.toOptionalTensorVector())
      all.push_back(tensor ? std::optional(of(*tensor)) : std::nullopt);
    return all;
  }
  if (argument.isDevice() && argument.toDevice().type() == c10::kPrivateUse1) return c10::Device(c10::kCPU);
  return argument;
}

at::Tensor HostViews::on_device(const at::Tensor& result) {
  if (!result.defined() || is_on_device(result)) return result;
  for (const View& view : views_)
    if (view.host.is_same(result)) return view.device;
  for (const auto& [storage, host] : storages_)
    TORCH_CHECK(!host.is_alias_of(result.storage()), "pretend device: an operator that returns views is not known");
  const at::Tensor dense = result.is_non_overlapping_and_dense() ? result : result.contiguous();
  const at::Tensor copy = at::empty_strided(dense.sizes(), dense.strides(), dense.options().device(device_));
  HostViews(device_).of(copy).copy_(dense);
  return copy;
}

c10::IValue HostViews::on_device(const c10::IValue& result) {
  if (result.isTensor()) return on_device(result.toTensor());
  if (!result.isTensorList()) return result;
  std::vector<at::Tensor> all = result.toTensorVector();
  for (at::Tensor& tensor : all) tensor = on_device(tensor);
  return all;
}

void HostViews::take_over_resized() {
  for (const View& view : views_) {
    const c10::Storage& theirs = view.host.storage();
    const c10::Storage& own = view.device.storage();
    if (theirs.data() != own.data()) {
      c10::DataPtr memory = theirs.set_data_ptr(c10::DataPtr(nullptr, c10::kCPU));
      own.set_data_ptr_noswap(KernelAllocator::with_device(std::move(memory), device_));
      own.set_nbytes(theirs.nbytes());
    }
    if (!same_place(view.device, view.host))
      view.device.unsafeGetTensorImpl()->set_sizes_and_strides(view.host.sizes(), view.host.strides(),
                                                               view.host.storage_offset());
  }
}

}  // namespace rlhf::testing::pretend
