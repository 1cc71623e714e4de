#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace rlhf {

/// Why a machine has no GPU that the library can use.
struct Absence {
  std::string found;        ///< the end of an error message: "no NVIDIA driver"
  std::string hint;         ///< "install the driver"
  bool unexpected = false;  ///< there seems to be a GPU, so a run that `auto` puts on the CPU says why
};

/// What the library asks about the accelerators of a machine, besides what LibTorch's operators do with tensors on
/// them.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  virtual c10::DeviceType type() const = 0;
  virtual int count() const = 0;
  /// Why count() is 0.
  virtual Absence why_none() const = 0;

  /// "NVIDIA H200"
  virtual std::string name(c10::DeviceIndex index) const = 0;
  /// "sm_90": what determines the bits of a result.
  virtual std::string architecture(c10::DeviceIndex index) const = 0;
  virtual bool computes_bfloat16(c10::DeviceIndex index) const = 0;
  /// Whether at::_flash_attention_forward computes packed sequences with queries like `q` [N,H,E].
  virtual bool has_varlen_attention(const at::Tensor& q) const = 0;

  virtual std::int64_t peak_bytes(c10::DeviceIndex index) const = 0;
  virtual std::int64_t installed_bytes(c10::DeviceIndex index) const = 0;
  virtual std::int64_t free_bytes(c10::DeviceIndex index) const = 0;
  virtual void synchronize(c10::DeviceIndex index) const = 0;
};

/// The accelerators that `auto` and `cuda` mean: CUDA's, or in a build without CUDA none (count() is 0).
const Accelerator& accelerator();

/// Replaces them, before the first use. Tests run the library on an accelerator that a machine without a GPU has.
void set_accelerator(const Accelerator& other);

}  // namespace rlhf
