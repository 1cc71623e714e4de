// The error of a run whose memory ran out.
#include "memory_error.h"

#include "rlhf/core/error.h"
#include "rlhf/tensor/device.h"
#include "rlhf/tensor/out_of_memory.h"

namespace rlhf {

void throw_if_out_of_memory(const std::exception& error, const std::string& when, const MemoryForecast& forecast,
                            at::Device device, const std::string& remains) {
  const auto request = out_of_memory(error);
  if (!request) return;
  const MemoryLimit available = available_memory(device);
  throw DeviceError("out of memory " + when + ": expected at most " + binary_size(forecast.total()) +
                    " (forecast), found no room for " + *request + " after a peak of " +
                    binary_size(peak_memory_bytes(device)) + " of " + binary_size(installed_memory_bytes(device)) +
                    ", with " + binary_size(available.bytes) + " available (" + available.source + ")" +
                    (remains.empty() ? "" : "; " + remains) + "; hint: " + forecast.hint());
}

}  // namespace rlhf
