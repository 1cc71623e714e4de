#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace rlhf {

/// A text that is composed at compile time, for example the description of an option from a list. A text that is too
/// long does not compile.
class ConstText {
 public:
  constexpr ConstText& add(std::string_view text) {
    for (const char c : text) bytes_.at(size_++) = c;
    return *this;
  }
  /// Adds an item of a list, after ", " unless it is the first since `start_list`.
  constexpr ConstText& add_item(std::string_view text) {
    if (size_ > list_start_) add(", ");
    return add(text);
  }
  constexpr ConstText& start_list() {
    list_start_ = size_;
    return *this;
  }
  constexpr operator std::string_view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 768> bytes_{};
  std::size_t size_ = 0;
  std::size_t list_start_ = 0;
};

}  // namespace rlhf
