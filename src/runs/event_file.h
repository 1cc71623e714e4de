// The bytes of TensorBoard event files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// CRC-32C (Castagnoli), RFC 3720 section 12.1.
std::uint32_t crc32c(std::string_view bytes);

/// One record of a TFRecord file: length, checksum of the length, payload, checksum of the payload.
std::string framed(std::string_view payload);

/// TensorBoard's `Event` messages (tensorflow/core/util/event.proto), as protobuf bytes.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, std::int64_t step, const Metrics& metrics);

/// Keeps the events of an event file that are not broken and have a step of at most `keep_until`, and logs a warning if
/// broken bytes stand before other events. Bytes at the end that are no complete event are of a run that was killed
/// while it wrote. Throws OutputError if the file cannot be read or written.
void cut_event_file(const std::filesystem::path& file, std::int64_t keep_until);

}  // namespace rlhf
