#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// CRC-32C (Castagnoli), RFC 3720 section 12.1.
std::uint32_t crc32c(std::string_view bytes);

/// One record of a TFRecord file: length, its checksum, payload, its checksum.
std::string framed(std::string_view payload);

/// TensorBoard's `Event` messages (tensorflow/core/util/event.proto), as protobuf bytes.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, std::int64_t step, const Metrics& metrics);

/// Cuts an event file before its first event with a step above `keep_until`, or where it breaks off.
/// Throws OutputError if the file cannot be read or cut.
void cut_event_file(const std::filesystem::path& file, std::int64_t keep_until);

}  // namespace rlhf
