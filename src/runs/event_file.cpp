// TensorBoard event files: TFRecord framing around protobuf messages, encoded by hand.
#include "runs/event_file.h"

#include <array>
#include <bit>
#include <optional>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"

#include "runs/counted.h"

namespace rlhf {
namespace {

// Wire types and field numbers of the protobuf fields that a scalar event needs.
enum Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
constexpr std::uint32_t kEventWallTime = 1, kEventStep = 2, kEventVersion = 3, kEventSummary = 5;
constexpr std::uint32_t kSummaryValue = 1, kValueTag = 1, kValueSimple = 2;

constexpr std::size_t kHeaderBytes = 12;  // u64 length and its checksum
constexpr std::size_t kFooterBytes = 4;
constexpr std::uint64_t kMaxPayload = 64u << 20;  // a larger value is a corrupt length

constexpr std::array<std::uint32_t, 256> crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78u : 0u);
    table[byte] = value;
  }
  return table;
}

template <typename Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes(sizeof(value), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

std::uint64_t from_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes += static_cast<char>(value);
}

std::string key(std::uint32_t number, Wire wire) { return varint(number << 3 | wire); }

std::string bytes_field(std::uint32_t number, std::string_view bytes) {
  return key(number, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string event_start(double wall_time) {
  return key(kEventWallTime, kFixed64) + little_endian(std::bit_cast<std::uint64_t>(wall_time));
}

// The masked CRC-32C of the TFRecord format.
std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// The step of an event (0 if the field is absent, as in protobuf), or nullopt if the bytes are not a message.
std::optional<std::int64_t> event_step(std::string_view payload) {
  while (!payload.empty()) {
    const auto field = take_varint(payload);
    if (!field) return std::nullopt;
    std::uint64_t skip = 0;
    switch (*field & 7) {
      case kVarint: {
        const auto value = take_varint(payload);
        if (!value) return std::nullopt;
        if (*field >> 3 == kEventStep) return static_cast<std::int64_t>(*value);
        break;
      }
      case kFixed64:
        skip = 8;
        break;
      case kFixed32:
        skip = 4;
        break;
      case kBytes:
        skip = take_varint(payload).value_or(kMaxPayload);
        break;
      default:
        return std::nullopt;
    }
    if (skip > payload.size()) return std::nullopt;
    payload.remove_prefix(skip);
  }
  return 0;
}

/// The payload of the record at the start of `bytes`, or nullopt if there is no whole record.
std::optional<std::string_view> payload_at(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kFooterBytes) return std::nullopt;
  const std::uint64_t length = from_little_endian(bytes.substr(0, 8));
  if (masked_crc32c(bytes.substr(0, 8)) != from_little_endian(bytes.substr(8, 4)) || length > kMaxPayload ||
      bytes.size() < kHeaderBytes + length + kFooterBytes)
    return std::nullopt;
  const std::string_view payload = bytes.substr(kHeaderBytes, length);
  const std::string_view footer = bytes.substr(kHeaderBytes + length, kFooterBytes);
  if (masked_crc32c(payload) != from_little_endian(footer)) return std::nullopt;
  return payload;
}

/// The place of the next whole record at or after `at`, or the end. After broken bytes, only the checksum of a length
/// shows where a record begins.
std::size_t next_record(std::string_view bytes, std::size_t at) {
  while (at < bytes.size() && !payload_at(bytes.substr(at))) ++at;
  return at;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc32c_table();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string framed(std::string_view payload) {
  const std::string length = little_endian(static_cast<std::uint64_t>(payload.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(payload) + little_endian(masked_crc32c(payload));
}

std::string version_event(double wall_time) {
  return event_start(wall_time) + bytes_field(kEventVersion, "brain.Event:2");
}

std::string scalar_event(double wall_time, std::int64_t step, const Metrics& metrics) {
  std::string summary;
  for (const auto& [name, value] : metrics.items()) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    summary +=
        bytes_field(kSummaryValue, bytes_field(kValueTag, name) + key(kValueSimple, kFixed32) + little_endian(bits));
  }
  const std::string step_field =  // protobuf omits a field that is zero
      step == 0 ? "" : key(kEventStep, kVarint) + varint(static_cast<std::uint64_t>(step));
  return event_start(wall_time) + step_field + bytes_field(kEventSummary, summary);
}

void cut_event_file(const std::filesystem::path& path, std::int64_t keep_until) {
  const std::string bytes = read_file(path, ExitCode::output, kMaxRunLogBytes);
  std::string kept;
  std::int64_t gaps = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t start = next_record(bytes, at);
    if (start == bytes.size()) break;
    if (start > at) ++gaps;
    const std::string_view payload = *payload_at(std::string_view(bytes).substr(start));
    const std::size_t length = kHeaderBytes + payload.size() + kFooterBytes;
    const auto step = event_step(payload);
    if (!step) ++gaps;
    if (step && *step <= keep_until) kept += bytes.substr(start, length);
    at = start + length;
  }
  if (gaps > 0)
    log_warning(path.string() + ": expected events, found other bytes in " + counted(gaps, "place") +
                "; keeping the events around them");
  if (!bytes.starts_with(kept)) return write_file_atomically(path, kept);
  std::error_code error;
  std::filesystem::resize_file(path, kept.size(), error);
  if (error) throw OutputError("writing " + path.string() + ": " + error.message());
}

}  // namespace rlhf
