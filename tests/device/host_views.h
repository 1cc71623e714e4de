#pragma once

#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace rlhf::testing::pretend {

/// A kernel of the pretend device: while it lives, the memory of the tensors that it was given is open to the host, as
/// CPU tensors that share it.
class HostViews {
 public:
  explicit HostViews(c10::Device device);
  ~HostViews();
  HostViews(const HostViews&) = delete;
  HostViews& operator=(const HostViews&) = delete;

  /// A CPU tensor with the elements of `tensor`; `tensor` itself if it is undefined or a number on the host.
  at::Tensor of(const at::Tensor& tensor);
  /// The same for all tensors of an argument; a pretend device becomes the CPU.
  c10::IValue of(const c10::IValue& argument);

  /// What a CPU operator returned, on the device: one of the tensors it was given, or a new one with the same elements.
  at::Tensor on_device(const at::Tensor& result);
  c10::IValue on_device(const c10::IValue& result);

  /// Gives tensors whose view was resized or moved their new sizes and memory.
  void take_over_resized();

 private:
  struct View {
    at::Tensor device, host;
  };
  c10::Storage storage_of(const at::Tensor& tensor);

  c10::Device device_;
  std::vector<View> views_;
  std::unordered_map<c10::StorageImpl*, c10::Storage> storages_;
  std::vector<c10::Storage> opened_;
};

}  // namespace rlhf::testing::pretend
