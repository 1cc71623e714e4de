// Devices, streams and counters of the pretend device.
#include "pretend_device.h"

#include <mutex>

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "pretend_memory.h"
#include "tensor/accelerator.h"

namespace rlhf::testing {
namespace {

constexpr c10::DeviceType kType = c10::kPrivateUse1;

std::mutex counting;
Traffic counted;
thread_local c10::DeviceIndex current_device = 0;

/// Kernels run at once, so that every stream is always idle.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {kType, current_device}; }
  void setDevice(c10::Device device) const override {
    TORCH_CHECK(device.index() < pretend::kDevices, "pretend device: no device ", device);
    if (device.has_index()) current_device = device.index();
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index()) current_device = device.index();
  }
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return pretend::kDevices; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { pretend::count_stop("synchronizeStream"); }
  void synchronizeEvent(void*) const override { pretend::count_stop("synchronizeEvent"); }
  void synchronizeDevice(const c10::DeviceIndex) const override { pretend::count_stop("synchronizeDevice"); }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return pretend::kDevices; }
  void setCurrentDevice(c10::DeviceIndex device) const override { current_device = device; }
  c10::DeviceIndex getCurrentDevice() const override { return current_device; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex device) const override {
    return std::exchange(current_device, device);
  }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex device) const override { return exchangeDevice(device); }
};

class Pretend final : public Accelerator {
 public:
  c10::DeviceType type() const override { return kType; }
  int count() const override { return pretend::kDevices; }
  Absence why_none() const override { return {}; }
  std::string name(c10::DeviceIndex) const override { return "pretend"; }
  std::string architecture(c10::DeviceIndex) const override { return "pretend"; }
  bool computes_bfloat16(c10::DeviceIndex) const override { return true; }
  bool has_varlen_attention(const at::Tensor& q) const override {
    return q.scalar_type() == at::kBFloat16 && q.size(2) % 8 == 0 && q.size(2) <= 256;
  }
  std::int64_t peak_bytes(c10::DeviceIndex) const override { return PretendMemory::instance().peak(); }
  std::int64_t installed_bytes(c10::DeviceIndex) const override { return PretendMemory::instance().capacity(); }
  std::int64_t free_bytes(c10::DeviceIndex) const override {
    return PretendMemory::instance().capacity() - PretendMemory::instance().used();
  }
  void synchronize(c10::DeviceIndex) const override { pretend::count_stop("synchronize"); }
};

void install() {
  static const c10::impl::DeviceGuardImplRegistrar guard(kType, new Guard);
  static Hooks hooks;
  static const Pretend device;
  c10::register_privateuse1_backend("pretend");
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::SetAllocator(kType, &PretendMemory::instance());
  pretend::install_operators();
  set_accelerator(device);
}

}  // namespace

at::Device test_accelerator() {
  static const bool pretends = accelerator().count() == 0;
  if (static bool installed = false; pretends && !std::exchange(installed, true)) install();
  return {accelerator().type(), 0};
}

Traffic traffic() {
  const std::lock_guard lock(counting);
  return counted;
}

std::int64_t Traffic::num_stops() const {
  std::int64_t sum = 0;
  for (const auto& [by, count] : stops) sum += count;
  return sum;
}

std::string Traffic::text() const {
  std::string text;
  for (const auto& [by, count] : stops)
    if (count != 0) text += (text.empty() ? "" : ", ") + by + " " + std::to_string(count);
  return text;
}

Traffic operator-(Traffic after, const Traffic& before) {
  after.uploads -= before.uploads;
  for (const auto& [by, count] : before.stops) after.stops[by] -= count;
  return after;
}

void pretend::count_upload() {
  const std::lock_guard lock(counting);
  ++counted.uploads;
}
void pretend::count_stop(const std::string& by) {
  const std::lock_guard lock(counting);
  ++counted.stops[by];
}

}  // namespace rlhf::testing
