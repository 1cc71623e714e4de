#include "pretend_memory.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace rlhf::testing {
namespace {

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
}

void protect(std::uintptr_t address, std::size_t bytes, int access) {
  TORCH_CHECK(mprotect(reinterpret_cast<void*>(address), bytes, access) == 0, "mprotect: ", std::strerror(errno));
}

/// Says what happened, then lets the default action end the process.
void on_fault(int signal, siginfo_t* info, void*) {
  constexpr char kText[] = "pretend device: the host accessed memory of the device outside of a kernel\n";
  if (PretendMemory::instance().contains(info->si_addr) && write(STDERR_FILENO, kText, sizeof kText - 1) < 0) _exit(1);
  std::signal(signal, SIG_DFL);
}

void say_faults() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace

PretendMemory& PretendMemory::instance() {
  static PretendMemory* const memory = [] {  // never destroyed: tensors may live until the process ends
    say_faults();
    return new PretendMemory;
  }();
  return *memory;
}

c10::DataPtr PretendMemory::allocate(std::size_t bytes) {
  const c10::Device device = c10::impl::VirtualGuardImpl(c10::kPrivateUse1).getDevice();
  if (bytes == 0) return {nullptr, nullptr, raw_deleter(), device};
  const std::size_t size = whole_pages(bytes);
  const std::lock_guard lock(mutex_);
  TORCH_CHECK_WITH(OutOfMemoryError, used_ + static_cast<std::int64_t>(size) <= capacity_,
                   "pretend device out of memory: tried to allocate ", bytes, " bytes; ", used_, " of ", capacity_,
                   " are in use");
  void* const address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TORCH_CHECK(address != MAP_FAILED, "mmap: ", std::strerror(errno));
  std::memset(address, 0xff, size);
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  protect(begin, size, PROT_NONE);
  blocks_[begin] = {size};
  ++num_allocated_[device.index()];
  used_ += static_cast<std::int64_t>(size);
  peak_ = std::max(peak_, used_);
  return {address, address, raw_deleter(), device};
}

c10::DeleterFnPtr PretendMemory::raw_deleter() const {
  return [](void* address) { instance().free(address); };
}

void PretendMemory::copy_data(void* to, const void* from, std::size_t bytes) const {
  auto& memory = instance();
  memory.open(to);
  memory.open(from);
  std::memcpy(to, from, bytes);
  memory.close(from);
  memory.close(to);
}

void PretendMemory::free(void* address) {
  if (address == nullptr) return;
  const std::lock_guard lock(mutex_);
  const auto block = blocks_.find(reinterpret_cast<std::uintptr_t>(address));
  munmap(address, block->second.bytes);
  used_ -= static_cast<std::int64_t>(block->second.bytes);
  blocks_.erase(block);
}

std::map<std::uintptr_t, PretendMemory::Block>::iterator PretendMemory::find(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  auto after = blocks_.upper_bound(wanted);
  if (after == blocks_.begin()) return blocks_.end();
  const auto block = std::prev(after);
  return wanted < block->first + block->second.bytes ? block : blocks_.end();
}

void PretendMemory::open(const void* address) {
  const std::lock_guard lock(mutex_);
  if (const auto block = find(address); block != blocks_.end() && block->second.opened++ == 0)
    protect(block->first, block->second.bytes, PROT_READ | PROT_WRITE);
}

void PretendMemory::close(const void* address) {
  const std::lock_guard lock(mutex_);
  if (const auto block = find(address); block != blocks_.end() && --block->second.opened == 0)
    protect(block->first, block->second.bytes, PROT_NONE);
}

std::int64_t PretendMemory::num_allocated(c10::DeviceIndex device) const {
  const std::lock_guard lock(mutex_);
  const auto found = num_allocated_.find(device);
  return found == num_allocated_.end() ? 0 : found->second;
}

bool PretendMemory::contains(const void* address) const {
  const std::lock_guard lock(mutex_);
  auto& self = const_cast<PretendMemory&>(*this);
  return self.find(address) != self.blocks_.end();
}

}  // namespace rlhf::testing
