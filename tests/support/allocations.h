#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace rlhf::testing {

/// Watches what LibTorch's CPU allocator hands out on this thread, from construction to destruction.
class AllocationWatch {
 public:
  std::int64_t largest() const { return report_->largest; }  ///< bytes of the largest single allocation
  std::int64_t peak() const { return report_->peak; }        ///< highest sum of what was alive, less what was before
  std::int64_t alive() const { return report_->alive; }      ///< what is alive now, less what was before

 private:
  struct Report : c10::MemoryReportingInfoBase {
    void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
      largest = std::max(largest, bytes);
      alive += bytes;  // negative when memory is given back
      peak = std::max(peak, alive);
    }
    bool memoryProfilingEnabled() const override { return true; }
    std::int64_t largest = 0;
    std::int64_t alive = 0;
    std::int64_t peak = 0;
  };

  std::shared_ptr<Report> report_ = std::make_shared<Report>();
  c10::DebugInfoGuard guard_{c10::DebugInfoKind::PROFILER_STATE, report_};
};

}  // namespace rlhf::testing
