#pragma once

#include <exception>
#include <string>

#include "rlhf/train/plan.h"

namespace rlhf {

/// For a handler of exceptions: if `error` says that memory ran out, throws DeviceError with when that was ("after step
/// 12"), the forecast, what was found, what `remains` of the run (may be empty) and the keys that lower the forecast.
void throw_if_out_of_memory(const std::exception& error, const std::string& when, const MemoryForecast& forecast,
                            at::Device device, const std::string& remains);

}  // namespace rlhf
