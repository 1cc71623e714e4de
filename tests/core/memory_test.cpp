#include "rlhf/core/memory.h"

#include <string>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

constexpr std::int64_t kMiB = 1 << 20;

/// A machine with 8 GiB, of which 4 GiB are available, and a process with 100 MiB of its own.
class FakeMachine {
 public:
  FakeMachine() {
    root_.write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB\n");
    root_.write("proc/self/status", "Name:\tx\nVmSize:\t  716800 kB\nVmHWM:\t  999999 kB\nRssAnon:\t  102400 kB\n");
    addresses("unlimited");
    cgroup("0::/\n");
  }
  void cgroup(const std::string& lines) const { root_.write("proc/self/cgroup", lines); }
  void addresses(const std::string& limit) const {
    root_.write("proc/self/limits", "Max processes      100     100        processes\nMax address space         " +
                                        limit + "            unlimited            bytes     \n");
  }
  void write(const std::string& file, const std::string& text) const { root_.write("sys/fs/cgroup/" + file, text); }
  MemoryLimit available() const { return available_memory(root_.path()); }
  std::int64_t installed() const { return installed_memory(root_.path()); }

 private:
  TemporaryFolder root_;
};

TEST(AvailableMemory, WithoutLimitsIsThatOfTheMachineAndOnesOwn) {
  const FakeMachine machine;
  EXPECT_EQ(machine.available().bytes, 4096 * kMiB + 100 * kMiB);
  EXPECT_EQ(machine.available().source, "MemAvailable of the machine");
  EXPECT_EQ(machine.installed(), 8192 * kMiB);
}

TEST(AvailableMemory, HeedsALimitOfVersionTwo) {
  const FakeMachine machine;
  machine.write("memory.max", "1073741824\n");
  machine.write("memory.current", "629145600\n");  // 600 MiB: 100 of this process, 300 of cache, 200 of others
  machine.write("memory.stat", "anon 314572800\ninactive_file 314572800\nactive_file 0\n");
  EXPECT_EQ(machine.available().bytes, (1024 - 200) * kMiB);
  EXPECT_EQ(machine.available().source, "memory.max of the cgroup");
  EXPECT_EQ(machine.installed(), 1024 * kMiB);
}

TEST(AvailableMemory, HeedsTheLimitsOfAllCgroupsAboveTheProcess) {
  const FakeMachine machine;
  machine.cgroup("0::/jobs/mine\n");
  machine.write("memory.max", "max\n");
  machine.write("jobs/memory.max", "536870912\n");
  machine.write("jobs/mine/memory.max", "max\n");
  machine.write("other/memory.max", "1\n");
  EXPECT_EQ(machine.available().bytes, 512 * kMiB);
}

TEST(AvailableMemory, HeedsALimitOfVersionOne) {
  const FakeMachine machine;
  machine.cgroup("5:devices:/\n4:cpu,memory:/box\n0::/\n");
  machine.write("memory/memory.limit_in_bytes", "9223372036854771712\n");  // what the kernel writes for none
  machine.write("memory/box/memory.limit_in_bytes", "268435456\n");
  machine.write("memory/box/memory.usage_in_bytes", "209715200\n");
  machine.write("memory/box/memory.stat", "inactive_file 0\ntotal_inactive_file 52428800\n");
  EXPECT_EQ(machine.available().bytes, (256 - 200 + 50 + 100) * kMiB);
  EXPECT_EQ(machine.available().source, "memory.limit_in_bytes of the cgroup");
}

TEST(AvailableMemory, HeedsALimitOfTheAddresses) {
  const FakeMachine machine;
  machine.addresses("1073741824");
  EXPECT_EQ(machine.available().bytes, (1024 - 700 + 100) * kMiB);
  EXPECT_EQ(machine.available().source, "ulimit -v");
  EXPECT_EQ(machine.installed(), 1024 * kMiB);
}

TEST(AvailableMemory, WhoseCgroupIsNotMountedHasTheLimitOfTheMount) {
  const FakeMachine machine;
  machine.cgroup("0::/host/path/that/is/not/here\n");
  machine.write("memory.max", "1048576\n");
  EXPECT_EQ(machine.available().bytes, kMiB);
}

TEST(AvailableMemory, OfThisMachineIsPositiveAndAtMostWhatIsInstalled) {
  EXPECT_GT(available_memory().bytes, 0);
  EXPECT_LE(available_memory().bytes, installed_memory() + kMiB);
  EXPECT_GT(peak_resident_memory(), 0);
}

TEST(BinarySize, HasAUnitThatFits) {
  EXPECT_EQ(binary_size(std::int64_t{3} << 29), "1.5 GiB");
  EXPECT_EQ(binary_size(1 << 19), "0.5 MiB");
  EXPECT_EQ(binary_size(0), "0.0 MiB");
}

}  // namespace
}  // namespace rlhf
