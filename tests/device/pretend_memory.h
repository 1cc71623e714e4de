#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <c10/core/Allocator.h>

namespace rlhf::testing {

/// The memory of the pretend device (pretend_device.h). Each block has pages of its own, which the host can neither
/// read nor write except while a kernel runs on them: a host access elsewhere ends the process with SIGSEGV, and one
/// line says so. New memory has the bytes 0xff: NaN, or −1.
class PretendMemory final : public c10::Allocator {
 public:
  static PretendMemory& instance();

  /// Allocates on the current device. Throws c10::OutOfMemoryError beyond the capacity.
  c10::DataPtr allocate(std::size_t bytes) override;
  void copy_data(void* to, const void* from, std::size_t bytes) const override;
  c10::DeleterFnPtr raw_deleter() const override;

  /// Lets the host access the block that contains `address`, until close() was called as often. Null is ignored.
  void open(const void* address);
  void close(const void* address);

  std::int64_t used() const { return used_; }
  std::int64_t peak() const { return peak_; }
  std::int64_t capacity() const { return capacity_; }
  void set_capacity(std::int64_t bytes) { capacity_ = bytes; }
  /// How many blocks were allocated on a device so far.
  std::int64_t num_allocated(c10::DeviceIndex device) const;
  /// Whether a block contains `address`.
  bool contains(const void* address) const;

 private:
  struct Block {
    std::size_t bytes;  ///< whole pages
    int opened = 0;
  };
  std::map<std::uintptr_t, Block>::iterator find(const void* address);
  void free(void* address);

  mutable std::mutex mutex_;
  std::map<std::uintptr_t, Block> blocks_;  ///< by the address of the first byte
  std::map<c10::DeviceIndex, std::int64_t> num_allocated_;
  std::int64_t used_ = 0, peak_ = 0, capacity_ = std::int64_t{1} << 30;
};

}  // namespace rlhf::testing
