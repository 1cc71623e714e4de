#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// The arguments of a call by the names of what takes them; fails for too many, too few and unknown ones.
class Params {
 public:
  /// `names` in order of position; an empty one cannot be given by name. The first `required` must be given.
  Params(std::string_view what, const Arguments& arguments, std::initializer_list<std::string_view> names,
         std::size_t required = 0);

  bool given(std::size_t i) const { return values_[i] != nullptr; }
  /// Given, and not None.
  bool said(std::size_t i) const { return given(i) && !values_[i]->is_none(); }
  const Value& operator[](std::size_t i) const { return *values_[i]; }
  Value value(std::size_t i, Value otherwise) const { return given(i) ? *values_[i] : otherwise; }
  std::int64_t whole(std::size_t i, std::int64_t otherwise) const;
  bool flag(Machine& machine, std::size_t i, bool otherwise) const;
  const std::string& text(std::size_t i) const;  ///< of an argument that was given

 private:
  [[noreturn]] void wrong_type(std::size_t i, const char* expected) const;
  std::string_view what_;
  std::vector<const Value*> values_;
};

}  // namespace rlhf::jinja
