#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rlhf {

/// Numbers and lists of numbers end to end, in the byte order of the machine.
class ByteWriter {
 public:
  /// `start` is what stands before all of it, `size` an estimate of the whole in bytes.
  explicit ByteWriter(std::string_view start, std::size_t size) {
    bytes_.reserve(size);
    bytes_ += start;
  }
  template <typename T>
  void number(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename T>
  void list(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    number<std::uint64_t>(values.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  void text(std::string_view text) {
    number<std::uint64_t>(text.size());
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// What ByteWriter wrote; std::out_of_range where there are fewer bytes.
class ByteParser {
 public:
  explicit ByteParser(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  template <typename T>
  std::vector<T> list() {
    const auto count = number<std::uint64_t>();
    if (count > bytes_.size() / sizeof(T)) throw std::out_of_range("a list that is cut short");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), take(count * sizeof(T)).data(), count * sizeof(T));
    return values;
  }
  std::string text() { return std::string(take(number<std::uint64_t>())); }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw std::out_of_range("bytes that are cut short");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  std::string_view bytes_;
};

}  // namespace rlhf
