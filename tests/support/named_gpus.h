#pragma once

#include <string>
#include <utility>

#include "tensor/accelerator.h"

namespace rlhf::testing {

/// The GPUs of a machine without their arithmetic: no tensor can be on them. GPU 0 is older than the others.
class NamedGpus final : public Accelerator {
 public:
  static constexpr c10::DeviceType kType = c10::DeviceType::PrivateUse1;

  explicit NamedGpus(int count, Absence absence = {}) : count_(count), absence_(std::move(absence)) {}
  c10::DeviceType type() const override { return kType; }
  int count() const override { return count_; }
  Absence why_none() const override { return absence_; }
  std::string name(c10::DeviceIndex index) const override { return "GPU " + std::to_string(index); }
  std::string architecture(c10::DeviceIndex index) const override { return index == 0 ? "sm_75" : "sm_90"; }
  bool computes_bfloat16(c10::DeviceIndex index) const override { return index > 0; }
  bool has_varlen_attention(const at::Tensor&) const override { return false; }
  std::int64_t peak_bytes(c10::DeviceIndex) const override { return 0; }
  std::int64_t installed_bytes(c10::DeviceIndex) const override { return 0; }
  std::int64_t free_bytes(c10::DeviceIndex) const override { return 0; }
  void synchronize(c10::DeviceIndex) const override {}

 private:
  int count_;
  Absence absence_;
};

}  // namespace rlhf::testing
